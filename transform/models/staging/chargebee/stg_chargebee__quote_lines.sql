{{ config(unique_key=['connection', 'quote_line_id']) }}

with source as (
    {{ landing('chargebee', 'quote_lines') }}
),

renamed as (
    select
        _connection as connection,
        id as quote_line_id,
        quote_id,
        description,
        entity_type,
        entity_id,
        unit_amount as unit_amount_minor,
        quantity,
        quantity_in_decimal,
        amount as amount_minor,
        is_taxed,
        tax_amount as tax_minor,
        tax_rate,
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
