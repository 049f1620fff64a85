{{ config(unique_key=['connection', 'currency_code']) }}

with source as (
    {{ landing('dynamics365_finance', 'currencies') }}
),

renamed as (
    select
        _connection as connection,
        currency_code,
        name,
        symbol,
        rounding_rule,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
