{{ config(unique_key=['connection', 'delivery_id', 'delivery_document_item']) }}

with landed as (
    {{ landing('sap_s4hana', 'outbound_delivery_items') }}
),

-- the same number comes with or without leading zeros, and a day and its time of day apart
source as (
    select
        *,
        regexp_replace(delivery_document, '^0+([0-9]+)$', {{ first_group() }}) as bare_delivery_document,
        regexp_replace(delivery_document_item, '^0+([0-9]+)$', {{ first_group() }}) as bare_delivery_document_item,
        regexp_replace(reference_document, '^0+([0-9]+)$', {{ first_group() }}) as bare_reference_document,
        regexp_replace(reference_document_item, '^0+([0-9]+)$', {{ first_group() }}) as bare_reference_document_item
    from landed
),

renamed as (
    select
        _connection as connection,
        bare_delivery_document as delivery_id,
        bare_delivery_document_item as delivery_document_item,
        material as product_id,
        item_text,
        original_delivery_quantity,
        actual_delivery_quantity,
        delivery_quantity_unit,
        plant,
        batch,
        picking_status,
        goods_movement_status,
        billing_status,
        bare_reference_document as reference_document_id,
        bare_reference_document_item as reference_document_item,
        last_change_date as changed_date,
        delivery_version,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
