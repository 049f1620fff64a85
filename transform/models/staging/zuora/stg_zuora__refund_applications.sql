{{ config(unique_key=['connection', 'refund_application_id']) }}

with source as (
    {{ landing('zuora', 'refund_applications') }}
),

renamed as (
    select
        _connection as connection,
        id as refund_application_id,
        refund_id,
        payment_id,
        credit_memo_id,
        invoice_id,
        account_id,
        application_group_id,
        created_by_id,
        updated_by_id,
        effective_date,
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
