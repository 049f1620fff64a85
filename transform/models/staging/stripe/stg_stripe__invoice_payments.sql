{{ config(unique_key=['connection', 'invoice_payment_id']) }}

with source as (
    {{ landing('stripe', 'invoice_payments') }}
),

renamed as (
    select
        _connection as connection,
        id as invoice_payment_id,
        invoice as invoice_id,
        charge as charge_id,
        payment_intent as payment_intent_id,
        upper(currency) as currency,
        status as status_raw,
        amount_paid as paid_minor,
        paid_at,
        created as created_at,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
