{{ config(unique_key=['connection', 'credit_note_id']) }}

with source as (
    {{ landing('chargebee', 'credit_notes') }}
),

renamed as (
    select
        _connection as connection,
        id as credit_note_id,
        number,
        customer_id,
        subscription_id,
        reference_invoice_id,
        type as type_raw,
        status as status_raw,
        reason_code,
        create_reason_code,
        price_type,
        upper(currency_code) as currency,
        upper(base_currency_code) as base_currency,
        exchange_rate,
        sub_total as subtotal_minor,
        tax as tax_minor,
        total as total_minor,
        amount_allocated as allocated_minor,
        amount_refunded as refunded_minor,
        amount_available as available_minor,
        round_off_amount as round_off_amount_minor,
        business_entity_id,
        date as issued_at,
        generated_at,
        refunded_at,
        voided_at,
        updated_at,
        resource_version,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
