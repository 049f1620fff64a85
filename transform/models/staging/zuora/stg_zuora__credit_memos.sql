{{ config(unique_key=['connection', 'credit_memo_id']) }}

with source as (
    {{ landing('zuora', 'credit_memos') }}
),

renamed as (
    select
        _connection as connection,
        id as credit_memo_id,
        account_id,
        bill_to_contact_id,
        cancelled_by_id,
        invoice_id,
        posted_by_id,
        source_id,
        created_by_id,
        updated_by_id,
        support_case_id,
        auto_apply_upon_posting,
        comments,
        upper(currency) as currency,
        e_invoice_status,
        exclude_from_auto_apply_rules,
        memo_date,
        memo_number,
        reason_code,
        reversed as is_reversed,
        source as origin,
        source_type,
        status as status_raw,
        target_date,
        transferred_to_accounting,
        tax_auto_calculation,
        applied_amount,
        balance,
        discount_amount,
        refund_amount,
        tax_amount,
        total_amount,
        total_amount_without_tax,
        total_tax_exempt_amount,
        cancelled_at,
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
