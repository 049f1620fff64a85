{{ config(unique_key=['connection', 'rate_plan_charge_tier_id']) }}

with source as (
    {{ landing('zuora', 'rate_plan_charge_tiers') }}
),

renamed as (
    select
        _connection as connection,
        id as rate_plan_charge_tier_id,
        rate_plan_charge_id,
        created_by_id,
        updated_by_id,
        tier,
        upper(currency) as currency,
        price_format,
        price,
        starting_unit,
        ending_unit,
        discount_amount,
        discount_percentage,
        included_units,
        overage_price,
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
