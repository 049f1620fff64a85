{{ config(unique_key=['connection', 'from_currency', 'to_currency', 'rate_type', 'rate_date']) }}

with source as (
    {{ landing('oracle_fusion', 'currency_rates') }}
),

renamed as (
    select
        _connection as connection,
        upper(from_currency) as from_currency,
        upper(to_currency) as to_currency,
        rate_type,
        rate_date,
        rate,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
