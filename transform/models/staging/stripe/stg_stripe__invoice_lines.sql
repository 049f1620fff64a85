{{ config(unique_key=['connection', 'invoice_line_id']) }}

with source as (
    {{ landing('stripe', 'invoice_lines') }}
),

renamed as (
    select
        _connection as connection,
        id as invoice_line_id,
        invoice as invoice_id,
        price as price_id,
        product as product_id,
        description,
        upper(currency) as currency,
        amount as amount_minor,
        quantity,
        tax as tax_minor,
        period_start as period_started_at,
        period_end as period_ends_at,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
