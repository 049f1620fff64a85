{{ config(unique_key=['connection', 'currency_id']) }}

with source as (
    {{ landing('netsuite', 'currencies') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as currency_id,
        name,
        upper(symbol) as currency,
        isbasecurrency as is_base_currency,
        currencyprecision as minor_units,
        exchangerate as exchange_rate,
        lastmodifieddate as updated_at,
        coalesce(lastmodifieddate, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
