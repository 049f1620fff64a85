{{ config(unique_key=['connection', 'product_id', 'sales_organization_id', 'distribution_channel']) }}

with source as (
    {{ landing('sap_s4hana', 'product_sales_deliveries') }}
),

renamed as (
    select
        _connection as connection,
        product as product_id,
        sales_organization as sales_organization_id,
        distribution_channel,
        sales_status,
        sales_measure_unit,
        is_marked_for_deletion,
        item_category_group,
        product_hierarchy,
        base_unit,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
