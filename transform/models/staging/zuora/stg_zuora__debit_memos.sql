{{ config(unique_key=['connection', 'debit_memo_id']) }}

with source as (
    {{ landing('zuora', 'debit_memos') }}
),

renamed as (
    select
        _connection as connection,
        id as debit_memo_id,
        account_id,
        credit_memo_id,
        invoice_id,
        posted_by_id,
        created_by_id,
        updated_by_id,
        comments,
        upper(currency) as currency,
        due_date,
        memo_date,
        memo_number,
        reason_code,
        source as origin,
        source_type,
        status as status_raw,
        target_date,
        transferred_to_accounting,
        balance,
        tax_amount,
        total_amount,
        total_amount_without_tax,
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
