{{ config(unique_key=['connection', 'return_id', 'customer_return_item']) }}

with landed as (
    {{ landing('sap_s4hana', 'customer_return_items') }}
),

-- the same number comes with or without leading zeros, and a day and its time of day apart
source as (
    select
        *,
        regexp_replace(customer_return, '^0+([0-9]+)$', {{ first_group() }}) as bare_customer_return,
        regexp_replace(customer_return_item, '^0+([0-9]+)$', {{ first_group() }}) as bare_customer_return_item,
        regexp_replace(returns_process, '^0+([0-9]+)$', {{ first_group() }}) as bare_returns_process,
        regexp_replace(returns_process_item, '^0+([0-9]+)$', {{ first_group() }}) as bare_returns_process_item,
        regexp_replace(reference_document, '^0+([0-9]+)$', {{ first_group() }}) as bare_reference_document,
        regexp_replace(reference_document_item, '^0+([0-9]+)$', {{ first_group() }}) as bare_reference_document_item
    from landed
),

renamed as (
    select
        _connection as connection,
        bare_customer_return as return_id,
        bare_customer_return_item as customer_return_item,
        item_category,
        item_text,
        material as product_id,
        requested_quantity,
        requested_quantity_unit,
        currency,
        net_amount,
        production_plant,
        rejection_reason,
        billing_block_reason,
        bare_returns_process as returns_process,
        bare_returns_process_item as returns_process_item,
        return_reason,
        follow_up_activity,
        is_received,
        refund_type,
        refund_mode,
        refund_extent,
        refund_rejection_reason,
        replacement_material,
        replacement_material_quantity,
        is_inspected_at_customer,
        customer_rma_number,
        returns_item_status,
        document_status,
        process_status,
        bare_reference_document as reference_document_id,
        bare_reference_document_item as reference_document_item,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
