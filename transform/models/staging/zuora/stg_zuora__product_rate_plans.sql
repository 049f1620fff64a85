{{ config(unique_key=['connection', 'product_rate_plan_id']) }}

with source as (
    {{ landing('zuora', 'product_rate_plans') }}
),

renamed as (
    select
        _connection as connection,
        id as product_rate_plan_id,
        product_id,
        created_by_id,
        updated_by_id,
        name,
        description,
        effective_start_date,
        effective_end_date,
        product_rate_plan_number,
        state,
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
