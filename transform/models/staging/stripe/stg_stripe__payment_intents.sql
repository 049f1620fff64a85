{{ config(unique_key=['connection', 'payment_intent_id']) }}

with source as (
    {{ landing('stripe', 'payment_intents') }}
),

renamed as (
    select
        _connection as connection,
        id as payment_intent_id,
        customer as customer_id,
        latest_charge as charge_id,
        amount as amount_minor,
        amount_received as received_minor,
        upper(currency) as currency,
        status as status_raw,
        cancellation_reason,
        last_error_code,
        canceled_at,
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
