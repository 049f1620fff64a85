{{ config(unique_key=['connection', 'order_id', 'sales_order_item']) }}

with landed as (
    {{ landing('sap_s4hana', 'sales_order_items') }}
),

-- the same number comes with or without leading zeros, and a day and its time of day apart
source as (
    select
        *,
        regexp_replace(sales_order, '^0+([0-9]+)$', {{ first_group() }}) as bare_sales_order,
        regexp_replace(sales_order_item, '^0+([0-9]+)$', {{ first_group() }}) as bare_sales_order_item,
        regexp_replace(higher_level_item, '^0+([0-9]+)$', {{ first_group() }}) as bare_higher_level_item,
        regexp_replace(reference_document, '^0+([0-9]+)$', {{ first_group() }}) as bare_reference_document,
        regexp_replace(reference_document_item, '^0+([0-9]+)$', {{ first_group() }}) as bare_reference_document_item
    from landed
),

renamed as (
    select
        _connection as connection,
        bare_sales_order as order_id,
        bare_sales_order_item as sales_order_item,
        bare_higher_level_item as higher_level_item,
        item_category,
        item_text,
        material as product_id,
        material_by_customer,
        requested_quantity,
        requested_quantity_unit,
        confirmed_quantity,
        currency,
        net_amount,
        tax_amount,
        cost_amount,
        subtotal1_amount,
        production_plant,
        storage_location,
        shipping_point,
        delivery_priority,
        rejection_reason,
        billing_block_reason,
        wbs_element,
        profit_center,
        bare_reference_document as reference_document_id,
        bare_reference_document_item as reference_document_item,
        process_status,
        delivery_status,
        billing_status,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
