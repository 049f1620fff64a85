{{ config(unique_key=['connection', 'coupon_id']) }}

with source as (
    {{ landing('chargebee', 'coupons') }}
),

renamed as (
    select
        _connection as connection,
        id as coupon_id,
        name,
        status as status_raw,
        discount_type,
        discount_percentage,
        discount_amount as discount_amount_minor,
        upper(currency_code) as currency,
        duration_type,
        duration_month,
        period,
        period_unit,
        apply_on,
        max_redemptions,
        valid_from as valid_from_at,
        valid_till as valid_until_at,
        archived_at,
        created_at,
        updated_at,
        resource_version,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
