{{ config(unique_key=['connection', 'invoice_number', 'company_id', 'invoice_date', 'ledger_voucher']) }}

with source as (
    {{ landing('dynamics365_finance', 'invoices') }}
),

renamed as (
    select
        _connection as connection,
        invoice_number,
        data_area_id as company_id,
        invoice_date,
        ledger_voucher,
        contact_person_id,
        invoice_customer_account,
        sales_order_number,
        currency,
        payment_terms,
        customers_order_reference,
        delivery_mode,
        delivery_terms,
        origin_code,
        responsible_personnel_number,
        city,
        postcode,
        country,
        total_amount,
        total_tax_amount,
        header_tax_amount,
        total_charge_amount,
        total_discount_amount,
        discount_customer_group_amount,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
