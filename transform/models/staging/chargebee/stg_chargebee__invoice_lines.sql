{{ config(unique_key=['connection', 'invoice_line_id']) }}

with source as (
    {{ landing('chargebee', 'invoice_lines') }}
),

renamed as (
    select
        _connection as connection,
        id as invoice_line_id,
        invoice_id,
        subscription_id,
        customer_id,
        description,
        entity_type,
        entity_id,
        pricing_model,
        unit_amount as unit_amount_minor,
        quantity,
        quantity_in_decimal,
        amount as amount_minor,
        amount_in_decimal,
        discount_amount as discount_amount_minor,
        item_level_discount_amount as item_level_discount_amount_minor,
        is_taxed,
        tax_amount as tax_minor,
        tax_rate,
        tax_exempt_reason,
        metered as is_metered,
        reference_line_item_id,
        date_from as starts_at,
        date_to as ends_at,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
