{{ config(unique_key=['connection', 'discount_id']) }}

with source as (
    {{ landing('chargebee', 'subscription_discounts') }}
),

renamed as (
    select
        _connection as connection,
        id as discount_id,
        subscription_id,
        type as type_raw,
        percentage,
        amount as amount_minor,
        upper(currency_code) as currency,
        duration_type,
        period,
        period_unit,
        included_in_mrr as is_in_mrr,
        apply_on,
        item_price_id,
        coupon_id,
        apply_till as applies_until_at,
        created_at,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
