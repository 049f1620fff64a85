{{ config(unique_key=['connection', 'invoice_id', 'line_item_id', 'tax_name']) }}

with source as (
    {{ landing('chargebee', 'invoice_line_taxes') }}
),

renamed as (
    select
        _connection as connection,
        invoice_id,
        line_item_id,
        tax_name,
        tax_rate,
        taxable_amount as taxable_amount_minor,
        tax_amount as tax_minor,
        tax_juris_type,
        tax_juris_name,
        tax_juris_code,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
