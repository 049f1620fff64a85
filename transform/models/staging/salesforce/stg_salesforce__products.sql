{{ config(unique_key=['connection', 'product_id']) }}

with source as (
    {{ landing('salesforce', 'products') }}
),

renamed as (
    select
        _connection as connection,
        id as product_id,
        created_by_id,
        last_modified_by_id,
        external_id,
        name,
        product_code as sku,
        stock_keeping_unit,
        description,
        family,
        quantity_unit_of_measure,
        is_active,
        is_archived,
        created_at,
        last_modified_at,
        system_modstamp,
        coalesce(system_modstamp, _extracted_at) as version_at,
        {{ staged_columns("is_deleted") }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
