{{ config(unique_key=['connection', 'product_rate_plan_charge_tier_id']) }}

with source as (
    {{ landing('zuora', 'product_rate_plan_charge_tiers') }}
),

renamed as (
    select
        _connection as connection,
        id as product_rate_plan_charge_tier_id,
        product_rate_plan_charge_id,
        created_by_id,
        updated_by_id,
        active as is_active,
        upper(currency) as currency,
        price_format,
        tier,
        ending_unit,
        included_units,
        overage_price,
        price,
        starting_unit,
        created_at,
        updated_at,
        coalesce(updated_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
