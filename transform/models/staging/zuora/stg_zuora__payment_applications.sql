{{ config(unique_key=['connection', 'payment_application_id']) }}

with source as (
    {{ landing('zuora', 'payment_applications') }}
),

renamed as (
    select
        _connection as connection,
        id as payment_application_id,
        payment_id,
        invoice_id,
        debit_memo_id,
        account_id,
        application_group_id,
        created_by_id,
        updated_by_id,
        effective_date,
        payment_application_status,
        apply_amount,
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
