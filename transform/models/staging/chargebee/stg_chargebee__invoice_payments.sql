{{ config(unique_key=['connection', 'invoice_id', 'transaction_id']) }}

with source as (
    {{ landing('chargebee', 'invoice_payments') }}
),

renamed as (
    select
        _connection as connection,
        invoice_id,
        transaction_id,
        applied_amount as applied_amount_minor,
        applied_at,
        transaction_status,
        transaction_date as transacted_at,
        transaction_amount as transaction_amount_minor,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
