{{ config(unique_key=['connection', 'price_id']) }}

with source as (
    {{ landing('stripe', 'prices') }}
),

renamed as (
    select
        _connection as connection,
        id as price_id,
        product as product_id,
        active as is_active,
        upper(currency) as currency,
        type as price_type,
        unit_amount_decimal as unit_amount_minor_text,
        recurring_interval,
        unit_amount as unit_amount_minor,
        recurring_interval_count,
        created as created_at,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
