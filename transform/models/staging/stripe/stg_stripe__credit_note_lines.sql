{{ config(unique_key=['connection', 'credit_note_line_id']) }}

with source as (
    {{ landing('stripe', 'credit_note_lines') }}
),

renamed as (
    select
        _connection as connection,
        id as credit_note_line_id,
        credit_note as credit_note_id,
        invoice_line_item as invoice_line_id,
        type as line_type,
        description,
        amount as amount_minor,
        tax as tax_minor,
        discount_amount as discount_minor,
        quantity,
        unit_amount_decimal,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
