{{ config(unique_key=['connection', 'billing_document_id']) }}

with landed as (
    {{ landing('sap_s4hana', 'billing_documents') }}
),

-- the same number comes with or without leading zeros, and a day and its time of day apart
source as (
    select
        *,
        regexp_replace(billing_document, '^0+([0-9]+)$', {{ first_group() }}) as bare_billing_document,
        cast(cast(creation_date as {{ dbt.type_string() }}) || ' ' || substr(creation_time, 3, 2) || ':' || substr(creation_time, 6, 2) || ':' || substr(creation_time, 9, 2) as {{ sql_type('timestamp') }}) as creation_date_moment,
        regexp_replace(accounting_document, '^0+([0-9]+)$', {{ first_group() }}) as bare_accounting_document,
        regexp_replace(cancelled_document, '^0+([0-9]+)$', {{ first_group() }}) as bare_cancelled_document,
        regexp_replace(customer, '^0+([0-9]+)$', {{ first_group() }}) as bare_customer,
        regexp_replace(payer, '^0+([0-9]+)$', {{ first_group() }}) as bare_payer
    from landed
),

renamed as (
    select
        _connection as connection,
        bare_billing_document as billing_document_id,
        document_category,
        billing_category,
        document_type,
        creation_date as created_date,
        creation_date_moment as created_at,
        last_change_date as changed_date,
        last_changed_at as updated_at,
        sales_organization as sales_organization_id,
        distribution_channel,
        division,
        company_code as company_id,
        fiscal_year,
        bare_accounting_document as accounting_document_id,
        billing_document_date,
        is_cancelled,
        bare_cancelled_document as cancelled_document_id,
        total_net_amount,
        currency,
        tax_amount,
        total_gross_amount,
        bare_customer as customer_id,
        bare_payer as payer_id,
        payment_terms,
        payment_reference,
        document_reference,
        assignment_reference,
        customer_reference,
        exchange_rate,
        process_status,
        overall_billing_status,
        accounting_posting_status,
        accounting_transfer_status,
        invoice_clearing_status,
        invoice_list_status,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
