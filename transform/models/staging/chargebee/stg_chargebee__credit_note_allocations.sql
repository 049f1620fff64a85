{{ config(unique_key=['connection', 'credit_note_id', 'invoice_id', 'allocated_at']) }}

with source as (
    {{ landing('chargebee', 'credit_note_allocations') }}
),

renamed as (
    select
        _connection as connection,
        credit_note_id,
        invoice_id,
        allocated_amount as allocated_amount_minor,
        allocated_at,
        invoice_date as invoiced_at,
        invoice_status,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
