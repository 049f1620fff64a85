{{ config(unique_key=['connection', 'order_id']) }}

with landed as (
    {{ landing('sap_s4hana', 'sales_orders') }}
),

-- the same number comes with or without leading zeros, and a day and its time of day apart
source as (
    select
        *,
        regexp_replace(sales_order, '^0+([0-9]+)$', {{ first_group() }}) as bare_sales_order,
        regexp_replace(customer, '^0+([0-9]+)$', {{ first_group() }}) as bare_customer,
        regexp_replace(reference_document, '^0+([0-9]+)$', {{ first_group() }}) as bare_reference_document
    from landed
),

renamed as (
    select
        _connection as connection,
        bare_sales_order as order_id,
        sales_order_type,
        sales_organization as sales_organization_id,
        distribution_channel,
        division,
        sales_office,
        sales_group,
        bare_customer as customer_id,
        creation_date as created_date,
        created_by,
        last_change_date as changed_date,
        last_changed_at as updated_at,
        external_document_id,
        external_doc_last_change_date_time,
        customer_reference,
        purchase_order_by_ship_to_party,
        customer_purchase_order_date,
        sales_order_date,
        requested_delivery_date,
        pricing_date,
        total_net_amount,
        currency,
        payment_terms,
        shipping_condition,
        document_reason,
        billing_block_reason,
        delivery_block_reason,
        bare_reference_document as reference_document_id,
        reference_document_category,
        process_status,
        delivery_status,
        total_delivery_status,
        billing_status,
        reference_status,
        credit_check_status,
        block_status,
        rejection_status,
        approval_status,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
