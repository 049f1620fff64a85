{{ config(unique_key=['connection', 'product_id']) }}

with source as (
    {{ landing('chargebee', 'items') }}
),

renamed as (
    select
        _connection as connection,
        id as product_id,
        name,
        external_name,
        description,
        status as status_raw,
        item_family_id,
        type as type_raw,
        is_shippable,
        unit,
        metered as is_metered,
        usage_calculation,
        metadata,
        sku,
        tier as tier_raw,
        archived_at,
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
