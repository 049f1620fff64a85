{{ config(unique_key=['connection', 'from_currency', 'to_currency', 'rate_type', 'valid_from']) }}

with source as (
    {{ landing('dynamics365_finance', 'exchange_rates') }}
),

renamed as (
    select
        _connection as connection,
        from_currency,
        to_currency,
        rate_type,
        valid_from,
        conversion_factor,
        rate_type_description,
        rate,
        valid_to,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
