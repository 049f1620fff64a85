{{ config(unique_key=['connection', 'covered_product_id']) }}

with source as (
    {{ landing('servicenow', 'covered_products') }}
),

renamed as (
    select
        _connection as connection,
        id as covered_product_id,
        nullif(entitlement_id, '') as entitlement_id,
        nullif(contract_id, '') as contract_id,
        nullif(contract_line_id, '') as contract_line_id,
        nullif(sold_product_id, '') as sold_product_id,
        nullif(install_base_item_id, '') as install_base_item_id,
        added_date,
        removed_date,
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
