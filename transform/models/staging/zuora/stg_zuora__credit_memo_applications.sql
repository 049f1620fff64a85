{{ config(unique_key=['connection', 'credit_memo_application_id']) }}

with source as (
    {{ landing('zuora', 'credit_memo_applications') }}
),

renamed as (
    select
        _connection as connection,
        id as credit_memo_application_id,
        credit_memo_id,
        invoice_id,
        debit_memo_id,
        account_id,
        application_group_id,
        created_by_id,
        updated_by_id,
        effective_date,
        amount,
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
