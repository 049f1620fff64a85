{{ config(unique_key=['connection', 'subscription_item_id']) }}

with source as (
    {{ landing('stripe', 'subscription_items') }}
),

renamed as (
    select
        _connection as connection,
        id as subscription_item_id,
        subscription as subscription_id,
        price as price_id,
        product as product_id,
        upper(currency) as currency,
        unit_amount as unit_amount_minor,
        quantity,
        current_period_start as period_started_at,
        current_period_end as period_ends_at,
        created as created_at,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
