{{ config(unique_key=['connection', 'item_number', 'company_id']) }}

with source as (
    {{ landing('dynamics365_finance', 'products') }}
),

renamed as (
    select
        _connection as connection,
        item_number,
        data_area_id as company_id,
        product_group_id,
        item_model_group_id,
        product_number,
        search_name,
        product_search_name,
        product_type,
        product_subtype,
        sales_unit,
        inventory_unit,
        purchase_unit,
        sales_tax_item_group,
        lifecycle_state,
        is_blocked_at_pos = 'Yes' as is_blocked_at_pos,
        hsn_code,
        sales_price,
        sales_price_quantity,
        unit_cost,
        net_weight,
        sales_price_on,
        sell_start_on,
        sell_end_on,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
