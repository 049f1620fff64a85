{{ config(unique_key=['connection', 'journal_batch_number', 'company_id', 'line_number']) }}

with source as (
    {{ landing('dynamics365_finance', 'payment_journal_lines') }}
),

renamed as (
    select
        _connection as connection,
        journal_batch_number,
        data_area_id as company_id,
        line_number,
        payment_id,
        account_type,
        account,
        currency,
        marked_invoice,
        marked_invoice_company,
        settle_voucher,
        payment_reference,
        payment_method,
        offset_account_type,
        offset_account,
        voucher,
        text,
        company,
        posting_profile,
        credit_amount,
        debit_amount,
        exchange_rate,
        transaction_date,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
