{{ config(unique_key=['connection', 'product_id']) }}

with source as (
    {{ landing('servicenow', 'products') }}
),

renamed as (
    select
        _connection as connection,
        id as product_id,
        nullif(name, '') as name,
        nullif(display_name, '') as display_name,
        nullif(sku, '') as sku,
        nullif(short_description, '') as short_description,
        nullif(manufacturer_id, '') as manufacturer_id,
        nullif(status, '') as status_raw,
        cost,
        created_at,
        nullif(created_by, '') as created_by,
        updated_at,
        nullif(updated_by, '') as updated_by,
        mod_count,
        coalesce(updated_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
