{{ config(unique_key=['connection', 'company_id', 'fiscal_year', 'accounting_document_id', 'accounting_document_item']) }}

with landed as (
    {{ landing('sap_s4hana', 'open_items') }}
),

-- the same number comes with or without leading zeros, and a day and its time of day apart
source as (
    select
        *,
        regexp_replace(accounting_document, '^0+([0-9]+)$', {{ first_group() }}) as bare_accounting_document,
        regexp_replace(accounting_document_item, '^0+([0-9]+)$', {{ first_group() }}) as bare_accounting_document_item,
        regexp_replace(customer, '^0+([0-9]+)$', {{ first_group() }}) as bare_customer,
        regexp_replace(billing_document, '^0+([0-9]+)$', {{ first_group() }}) as bare_billing_document
    from landed
),

renamed as (
    select
        _connection as connection,
        company_code as company_id,
        fiscal_year,
        bare_accounting_document as accounting_document_id,
        bare_accounting_document_item as accounting_document_item,
        bare_customer as customer_id,
        document_type,
        posting_date,
        due_date,
        debit_credit_code,
        special_gl_code,
        amount,
        currency,
        company_code_amount,
        company_code_currency,
        bare_billing_document as billing_document_id,
        payment_blocking_reason,
        dunning_level,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
