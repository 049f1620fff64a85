{{ config(unique_key=['connection', 'relationship_id']) }}

with source as (
    {{ landing('netsuite', 'customer_subsidiaries') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as relationship_id,
        cast(entity as {{ dbt.type_string() }}) as customer_id,
        cast(subsidiary as {{ dbt.type_string() }}) as subsidiary_id,
        isprimarysub as is_primary,
        _changed_at as updated_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
