{{ config(unique_key=['connection', 'subsidiary_id']) }}

with source as (
    {{ landing('netsuite', 'subsidiaries') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as subsidiary_id,
        cast(currency as {{ dbt.type_string() }}) as currency_id,
        cast(parent as {{ dbt.type_string() }}) as parent_subsidiary_id,
        name,
        legalname as legal_name,
        country,
        isinactive as is_inactive,
        lastmodifieddate as updated_at,
        coalesce(lastmodifieddate, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
