{{ config(unique_key=['connection', 'rate_id']) }}

with source as (
    {{ landing('netsuite', 'currency_rates') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as rate_id,
        cast(basecurrency as {{ dbt.type_string() }}) as base_currency_id,
        cast(transactioncurrency as {{ dbt.type_string() }}) as currency_id,
        exchangerate as exchange_rate,
        effectivedate as effective_date,
        _changed_at as updated_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
