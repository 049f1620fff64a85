{{ config(unique_key=['connection', 'billing_document_id', 'billing_document_item']) }}

with landed as (
    {{ landing('sap_s4hana', 'billing_document_items') }}
),

-- the same number comes with or without leading zeros, and a day and its time of day apart
source as (
    select
        *,
        regexp_replace(billing_document, '^0+([0-9]+)$', {{ first_group() }}) as bare_billing_document,
        regexp_replace(billing_document_item, '^0+([0-9]+)$', {{ first_group() }}) as bare_billing_document_item,
        regexp_replace(reference_document, '^0+([0-9]+)$', {{ first_group() }}) as bare_reference_document,
        regexp_replace(reference_document_item, '^0+([0-9]+)$', {{ first_group() }}) as bare_reference_document_item,
        regexp_replace(sales_document, '^0+([0-9]+)$', {{ first_group() }}) as bare_sales_document,
        regexp_replace(sales_document_item, '^0+([0-9]+)$', {{ first_group() }}) as bare_sales_document_item
    from landed
),

renamed as (
    select
        _connection as connection,
        bare_billing_document as billing_document_id,
        bare_billing_document_item as billing_document_item,
        return_item_processing_type,
        material as product_id,
        plant,
        item_text,
        services_rendered_date,
        quantity,
        quantity_unit,
        net_amount,
        currency,
        gross_amount,
        tax_amount,
        cost_amount,
        profit_center,
        bare_reference_document as reference_document_id,
        bare_reference_document_item as reference_document_item,
        reference_document_category,
        bare_sales_document as sales_document_id,
        bare_sales_document_item as sales_document_item,
        sales_document_category,
        document_reason,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
