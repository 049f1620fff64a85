{{ config(unique_key=['connection', 'invoice_id']) }}

with source as (
    {{ landing('oracle_fusion', 'invoices') }}
),

renamed as (
    select
        _connection as connection,
        cast(invoice_id as {{ dbt.type_string() }}) as invoice_id,
        invoice_number as number,
        document_number,
        invoice_date,
        accounting_date,
        billing_date,
        due_date,
        business_unit,
        legal_entity_code,
        transaction_type,
        transaction_source,
        customer_name,
        account_number,
        site_number,
        cast(party_id as {{ dbt.type_string() }}) as customer_id,
        paying_account_number,
        upper(currency) as currency,
        conversion_rate,
        conversion_rate_type,
        conversion_date,
        amount as total_amount,
        balance as open_amount,
        freight_amount,
        payment_terms,
        receipt_method,
        purchase_order,
        ship_date,
        carrier,
        shipping_reference,
        status as status_raw,
        is_intercompany as intercompany_raw,
        cross_reference,
        comments,
        payment_reference,
        updated_by,
        created_at,
        updated_at,
        coalesce(updated_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
