{{ config(unique_key=['connection', 'product_id']) }}

with source as (
    {{ landing('zuora', 'products') }}
),

renamed as (
    select
        _connection as connection,
        id as product_id,
        created_by_id,
        updated_by_id,
        category,
        description,
        effective_end_date,
        effective_start_date,
        name,
        product_number,
        sku,
        state as state_raw,
        support_tier as tier_raw,
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
