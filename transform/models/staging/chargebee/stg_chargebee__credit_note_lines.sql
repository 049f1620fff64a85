{{ config(unique_key=['connection', 'credit_note_line_id']) }}

with source as (
    {{ landing('chargebee', 'credit_note_lines') }}
),

renamed as (
    select
        _connection as connection,
        id as credit_note_line_id,
        credit_note_id,
        description,
        entity_type,
        entity_id,
        unit_amount as unit_amount_minor,
        quantity,
        quantity_in_decimal,
        amount as amount_minor,
        discount_amount as discount_amount_minor,
        item_level_discount_amount as item_level_discount_amount_minor,
        is_taxed,
        tax_amount as tax_minor,
        tax_rate,
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
