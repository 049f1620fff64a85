{{ config(unique_key=['connection', 'company_id', 'fiscal_year', 'accounting_document_id', 'accounting_document_item']) }}

with landed as (
    {{ landing('sap_s4hana', 'accounting_items') }}
),

-- the same number comes with or without leading zeros, and a day and its time of day apart
source as (
    select
        *,
        regexp_replace(accounting_document, '^0+([0-9]+)$', {{ first_group() }}) as bare_accounting_document,
        regexp_replace(accounting_document_item, '^0+([0-9]+)$', {{ first_group() }}) as bare_accounting_document_item,
        regexp_replace(customer, '^0+([0-9]+)$', {{ first_group() }}) as bare_customer,
        regexp_replace(clearing_document, '^0+([0-9]+)$', {{ first_group() }}) as bare_clearing_document,
        regexp_replace(billing_document, '^0+([0-9]+)$', {{ first_group() }}) as bare_billing_document,
        regexp_replace(sales_document, '^0+([0-9]+)$', {{ first_group() }}) as bare_sales_document,
        regexp_replace(invoice_reference, '^0+([0-9]+)$', {{ first_group() }}) as bare_invoice_reference,
        regexp_replace(reverse_document, '^0+([0-9]+)$', {{ first_group() }}) as bare_reverse_document,
        cast(cast(creation_date as {{ dbt.type_string() }}) || ' ' || substr(creation_time, 3, 2) || ':' || substr(creation_time, 6, 2) || ':' || substr(creation_time, 9, 2) as {{ sql_type('timestamp') }}) as creation_date_moment
    from landed
),

renamed as (
    select
        _connection as connection,
        company_code as company_id,
        fiscal_year,
        bare_accounting_document as accounting_document_id,
        bare_accounting_document_item as accounting_document_item,
        account_type,
        bare_customer as customer_id,
        customer_name,
        document_type,
        posting_date,
        document_date,
        due_date,
        due_base_date,
        payment_terms,
        is_cleared,
        clearing_date,
        bare_clearing_document as clearing_document_id,
        clearing_fiscal_year,
        debit_credit_code,
        posting_key,
        special_gl_code,
        amount,
        currency,
        company_code_amount,
        company_code_currency,
        bare_billing_document as billing_document_id,
        bare_sales_document as sales_document_id,
        bare_invoice_reference as invoice_reference,
        invoice_reference_fiscal_year,
        document_reference,
        assignment_reference,
        payment_reference,
        item_text,
        payment_blocking_reason,
        dunning_level,
        dunning_blocking_reason,
        last_dunning_date,
        is_reversal,
        is_reversed,
        bare_reverse_document as reverse_document,
        ledger,
        creation_date as created_date,
        creation_date_moment as created_at,
        last_change_date as changed_date,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
