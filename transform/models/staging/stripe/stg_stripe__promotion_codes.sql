{{ config(unique_key=['connection', 'promotion_code_id']) }}

with source as (
    {{ landing('stripe', 'promotion_codes') }}
),

renamed as (
    select
        _connection as connection,
        id as promotion_code_id,
        code,
        coupon as coupon_id,
        customer as customer_id,
        active as is_active,
        times_redeemed,
        expires_at,
        created as created_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
