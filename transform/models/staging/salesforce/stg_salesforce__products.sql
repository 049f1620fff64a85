{{ config(unique_key=['connection', 'product_id']) }}

with source as (
    {{ landing('salesforce', 'products') }}
),

renamed as (
    select
        _connection as connection,
        id as product_id,
        product_code as sku,
        name,
        description,
        family,
        is_active,
        created_at,
        system_modstamp,
        coalesce(system_modstamp, _extracted_at) as version_at,
        {{ staged_columns("is_deleted") }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
