{{ config(unique_key=['connection', 'transaction_id', 'invoice_id']) }}

with source as (
    {{ landing('chargebee', 'transaction_invoices') }}
),

renamed as (
    select
        _connection as connection,
        transaction_id,
        invoice_id,
        applied_amount as applied_amount_minor,
        applied_at,
        invoice_date as invoiced_at,
        invoice_total as invoice_total_minor,
        invoice_status,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
