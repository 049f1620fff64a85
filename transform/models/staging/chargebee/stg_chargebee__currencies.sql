{{ config(unique_key=['connection', 'currency_record_id']) }}

with source as (
    {{ landing('chargebee', 'currencies') }}
),

renamed as (
    select
        _connection as connection,
        id as currency_record_id,
        upper(currency_code) as currency,
        enabled as is_enabled,
        is_base_currency,
        forex_type,
        manual_exchange_rate,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
