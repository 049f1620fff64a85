{{ config(unique_key=['connection', 'currency']) }}

with source as (
    {{ landing('oracle_fusion', 'currencies') }}
),

renamed as (
    select
        _connection as connection,
        upper(currency) as currency,
        name,
        symbol,
        digits,
        extended_digits,
        is_enabled = 'Y' as is_enabled,
        active_from,
        active_to,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
