{{ config(unique_key=['connection', 'subscription_id', 'coupon_id']) }}

with source as (
    {{ landing('chargebee', 'subscription_coupons') }}
),

renamed as (
    select
        _connection as connection,
        subscription_id,
        coupon_id,
        applied_count,
        apply_till as applies_until_at,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
