{{ config(unique_key=['connection', 'coupon_id']) }}

with source as (
    {{ landing('stripe', 'coupons') }}
),

renamed as (
    select
        _connection as connection,
        id as coupon_id,
        name,
        duration,
        duration_in_months,
        amount_off as amount_off_minor,
        upper(currency) as currency,
        percent_off,
        times_redeemed,
        is_valid,
        redeem_by as redeemable_until,
        created as created_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
