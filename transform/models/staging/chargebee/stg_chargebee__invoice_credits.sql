{{ config(unique_key=['connection', 'invoice_id', 'credit_note_id', 'applied_at']) }}

with source as (
    {{ landing('chargebee', 'invoice_credits') }}
),

renamed as (
    select
        _connection as connection,
        invoice_id,
        credit_note_id,
        applied_amount as applied_amount_minor,
        applied_at,
        credit_note_status,
        credit_note_date as credit_noted_at,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
