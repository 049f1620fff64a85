{{ config(unique_key=['connection', 'sales_order_number', 'company_id']) }}

with source as (
    {{ landing('dynamics365_finance', 'orders') }}
),

renamed as (
    select
        _connection as connection,
        sales_order_number,
        data_area_id as company_id,
        pool_id,
        shipping_site_id,
        shipping_warehouse_id,
        contact_person_id,
        language_id,
        ordering_customer_account,
        invoice_customer_account,
        name,
        currency,
        status as status_raw,
        processing_status as processing_status_raw,
        is_processing_stopped = 'Yes' as is_processing_stopped,
        are_totals_calculated = 'Yes' as are_totals_calculated,
        customers_order_reference,
        customer_requisition_number,
        origin_code,
        payment_terms,
        delivery_terms,
        delivery_mode,
        quotation_number,
        credit_note_reason_code,
        email,
        delivery_city,
        delivery_postcode,
        delivery_country,
        total_amount,
        total_tax_amount,
        total_charges_amount,
        total_discount_amount,
        header_tax_amount,
        fixed_exchange_rate,
        created_at,
        requested_shipping_on,
        confirmed_shipping_on,
        requested_receipt_on,
        confirmed_receipt_on,
        fixed_due_on,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
