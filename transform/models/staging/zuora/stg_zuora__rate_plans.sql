{{ config(unique_key=['connection', 'rate_plan_id']) }}

with source as (
    {{ landing('zuora', 'rate_plans') }}
),

renamed as (
    select
        _connection as connection,
        id as rate_plan_id,
        subscription_id as subscription_version_id,
        product_rate_plan_id,
        product_id,
        amendment_id,
        original_rate_plan_id as first_rate_plan_id,
        created_by_id,
        updated_by_id,
        name,
        amendment_type,
        subscription_rate_plan_number,
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
