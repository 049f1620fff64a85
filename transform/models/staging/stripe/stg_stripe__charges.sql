{{ config(unique_key=['connection', 'charge_id']) }}

with source as (
    {{ landing('stripe', 'charges') }}
),

renamed as (
    select
        _connection as connection,
        id as charge_id,
        customer as customer_id,
        payment_intent as payment_intent_id,
        invoice as invoice_id,
        upper(currency) as currency,
        status as status_raw,
        paid as is_paid,
        refunded as is_refunded,
        disputed as is_disputed,
        failure_code,
        balance_transaction as balance_transaction_id,
        amount as amount_minor,
        amount_captured as captured_minor,
        amount_refunded as refunded_minor,
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
