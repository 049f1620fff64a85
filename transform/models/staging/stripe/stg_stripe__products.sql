{{ config(unique_key=['connection', 'product_id']) }}

with source as (
    {{ landing('stripe', 'products') }}
),

renamed as (
    select
        _connection as connection,
        id as product_id,
        sku,
        name,
        description,
        active as is_active,
        tier as tier_raw,
        created as created_at,
        updated as updated_at,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
