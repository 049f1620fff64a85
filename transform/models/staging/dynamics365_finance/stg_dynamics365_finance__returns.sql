{{ config(unique_key=['connection', 'return_order_number', 'company_id']) }}

with source as (
    {{ landing('dynamics365_finance', 'returns') }}
),

renamed as (
    select
        _connection as connection,
        return_order_number,
        data_area_id as company_id,
        site_id,
        warehouse_id,
        contact_person_id,
        rma_number,
        customer_account,
        invoice_customer_account,
        status as status_raw,
        order_status as order_status_raw,
        reason_code,
        currency,
        customers_order_reference,
        customer_requisition_number,
        replacement_order_number,
        is_replacement_created = 'Yes' as is_replacement_created,
        is_processing_stopped = 'Yes' as is_processing_stopped,
        email,
        total_amount,
        total_tax_amount,
        total_charges_amount,
        deadline_on,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
