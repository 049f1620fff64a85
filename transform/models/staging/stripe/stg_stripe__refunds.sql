{{ config(unique_key=['connection', 'refund_id']) }}

with source as (
    {{ landing('stripe', 'refunds') }}
),

renamed as (
    select
        _connection as connection,
        id as refund_id,
        charge as charge_id,
        payment_intent as payment_intent_id,
        upper(currency) as currency,
        status as status_raw,
        reason,
        balance_transaction as balance_transaction_id,
        amount as amount_minor,
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
