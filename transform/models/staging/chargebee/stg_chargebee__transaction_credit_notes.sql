{{ config(unique_key=['connection', 'transaction_id', 'credit_note_id']) }}

with source as (
    {{ landing('chargebee', 'transaction_credit_notes') }}
),

renamed as (
    select
        _connection as connection,
        transaction_id,
        credit_note_id,
        applied_amount as applied_amount_minor,
        applied_at,
        credit_note_status,
        credit_note_total as credit_note_total_minor,
        invoice_id,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
