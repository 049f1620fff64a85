{{ config(unique_key=['connection', 'source_document_header', 'company_id']) }}

with source as (
    {{ landing('dynamics365_finance', 'packing_slips') }}
),

renamed as (
    select
        _connection as connection,
        cast(source_document_header as {{ dbt.type_string() }}) as source_document_header,
        data_area_id as company_id,
        packing_slip_id,
        carrier_id,
        sales_order_number,
        order_account,
        invoice_account,
        delivery_mode,
        ledger_voucher,
        quantity,
        delivery_date,
        document_date,
        created_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
