{{ config(unique_key=['connection', 'invoice_number', 'company_id', 'invoice_date', 'ledger_voucher', 'line_sequence']) }}

with source as (
    {{ landing('dynamics365_finance', 'invoice_lines') }}
),

renamed as (
    select
        _connection as connection,
        invoice_number,
        data_area_id as company_id,
        invoice_date,
        ledger_voucher,
        line_sequence,
        site_id,
        warehouse_id,
        product_number,
        product_name,
        product_description,
        unit,
        currency,
        quantity,
        unit_price,
        amount,
        tax_amount,
        discount_amount,
        charge_amount,
        confirmed_shipping_on,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
