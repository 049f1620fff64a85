{{ config(unique_key=['connection', 'invoice_id']) }}

with source as (
    {{ landing('zuora', 'invoices') }}
),

renamed as (
    select
        _connection as connection,
        id as invoice_id,
        account_id,
        bill_to_contact_id,
        posted_by_id,
        sold_to_contact_id,
        source_id,
        created_by_id,
        updated_by_id,
        erp_order_id,
        auto_pay as is_auto_pay,
        comments,
        upper(currency) as currency,
        due_date,
        e_invoice_status,
        includes_one_time as has_one_time,
        includes_recurring as has_recurring,
        includes_usage as has_usage,
        invoice_date,
        invoice_number,
        is_split,
        payment_term,
        reversed as is_reversed,
        source as origin,
        source_type,
        status as status_raw,
        target_date,
        transferred_to_accounting,
        collection_status,
        adjustment_amount,
        amount,
        amount_without_tax,
        balance,
        credit_balance_adjustment_amount,
        credit_memo_amount,
        payment_amount,
        refund_amount,
        tax_amount,
        tax_exempt_amount,
        posted_at,
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
