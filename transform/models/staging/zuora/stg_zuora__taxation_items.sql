{{ config(unique_key=['connection', 'taxation_item_id']) }}

with source as (
    {{ landing('zuora', 'taxation_items') }}
),

renamed as (
    select
        _connection as connection,
        id as taxation_item_id,
        invoice_item_id,
        created_by_id,
        updated_by_id,
        name,
        jurisdiction,
        location_code,
        tax_code,
        tax_date,
        tax_mode,
        tax_rate_description,
        tax_rate_type,
        accounting_code,
        tax_amount,
        taxable_amount,
        exempt_amount,
        tax_rate,
        balance,
        created_at,
        updated_at,
        coalesce(updated_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
