{{ config(unique_key=['connection', 'request_id', 'credit_memo_request_item']) }}

with landed as (
    {{ landing('sap_s4hana', 'credit_memo_request_items') }}
),

-- the same number comes with or without leading zeros, and a day and its time of day apart
source as (
    select
        *,
        regexp_replace(credit_memo_request, '^0+([0-9]+)$', {{ first_group() }}) as bare_credit_memo_request,
        regexp_replace(credit_memo_request_item, '^0+([0-9]+)$', {{ first_group() }}) as bare_credit_memo_request_item,
        regexp_replace(reference_document, '^0+([0-9]+)$', {{ first_group() }}) as bare_reference_document,
        regexp_replace(reference_document_item, '^0+([0-9]+)$', {{ first_group() }}) as bare_reference_document_item
    from landed
),

renamed as (
    select
        _connection as connection,
        bare_credit_memo_request as request_id,
        bare_credit_memo_request_item as credit_memo_request_item,
        item_text,
        material as product_id,
        requested_quantity,
        requested_quantity_unit,
        currency,
        net_amount,
        plant,
        rejection_reason,
        billing_block_reason,
        services_rendered_date,
        bare_reference_document as reference_document_id,
        bare_reference_document_item as reference_document_item,
        process_status,
        billing_status,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
