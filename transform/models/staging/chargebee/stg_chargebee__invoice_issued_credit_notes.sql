{{ config(unique_key=['connection', 'invoice_id', 'credit_note_id']) }}

with source as (
    {{ landing('chargebee', 'invoice_issued_credit_notes') }}
),

renamed as (
    select
        _connection as connection,
        invoice_id,
        credit_note_id,
        credit_note_total as credit_note_total_minor,
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
