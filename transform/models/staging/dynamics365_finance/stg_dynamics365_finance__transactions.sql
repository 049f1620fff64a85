{{ config(unique_key=['connection', 'record_id', 'company_id']) }}

with source as (
    {{ landing('dynamics365_finance', 'transactions') }}
),

renamed as (
    select
        _connection as connection,
        cast(record_id as {{ dbt.type_string() }}) as record_id,
        data_area_id as company_id,
        payment_id,
        customer_account,
        order_account,
        voucher,
        invoice_number,
        type as type_raw,
        currency,
        last_settle_voucher,
        payment_reference,
        payment_mode,
        document_number,
        text,
        is_approved = 'Yes' as is_approved,
        is_prepayment = 'Yes' as is_prepayment,
        is_cancelled_payment = 'Yes' as is_cancelled_payment,
        is_correction = 'Yes' as is_correction,
        posting_profile,
        amount,
        accounting_amount,
        settled_amount,
        accounting_settled_amount,
        exchange_rate,
        transaction_date,
        document_date,
        due_date,
        closed_on,
        last_settled_on,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
