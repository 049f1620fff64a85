{{ config(unique_key=['connection', 'order_line_id']) }}

with source as (
    {{ landing('chargebee', 'order_lines') }}
),

renamed as (
    select
        _connection as connection,
        id as order_line_id,
        order_id,
        invoice_id,
        invoice_line_item_id,
        entity_type,
        entity_id,
        sku,
        description,
        status as status_raw,
        unit_price as unit_amount_minor,
        amount as amount_minor,
        tax_amount as tax_minor,
        fulfillment_quantity,
        fulfillment_amount as fulfillment_amount_minor,
        is_shippable,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
