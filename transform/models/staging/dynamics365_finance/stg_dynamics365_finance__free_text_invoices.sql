{{ config(unique_key=['connection', 'invoice_identifier', 'company_id']) }}

with source as (
    {{ landing('dynamics365_finance', 'free_text_invoices') }}
),

renamed as (
    select
        _connection as connection,
        cast(invoice_identifier as {{ dbt.type_string() }}) as invoice_identifier,
        data_area_id as company_id,
        corrected_invoice_id,
        external_invoice_id,
        free_text_number,
        invoice_account,
        customer_account,
        currency,
        is_posted = 'Yes' as is_posted,
        is_correction = 'Yes' as is_correction,
        customer_reference,
        posting_profile,
        payment_terms,
        sales_tax_group,
        invoice_name,
        invoice_date,
        due_date,
        document_date,
        corrected_invoice_on,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
