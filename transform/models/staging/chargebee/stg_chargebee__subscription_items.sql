{{ config(unique_key=['connection', 'subscription_id', 'item_price_id']) }}

with source as (
    {{ landing('chargebee', 'subscription_items') }}
),

renamed as (
    select
        _connection as connection,
        subscription_id,
        item_price_id,
        item_type as item_type_raw,
        quantity,
        quantity_in_decimal,
        metered_quantity,
        unit_price as unit_amount_minor,
        unit_price_in_decimal,
        amount as amount_minor,
        free_quantity,
        billing_period,
        billing_period_unit,
        billing_cycles,
        trial_end as trial_ends_at,
        current_term_start as period_started_at,
        current_term_end as period_ends_at,
        next_billing_at,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
