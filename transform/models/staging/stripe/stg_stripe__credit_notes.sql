{{ config(unique_key=['connection', 'credit_note_id']) }}

with source as (
    {{ landing('stripe', 'credit_notes') }}
),

renamed as (
    select
        _connection as connection,
        id as credit_note_id,
        number,
        invoice as invoice_id,
        customer as customer_id,
        status as status_raw,
        type as credit_note_type,
        reason,
        upper(currency) as currency,
        amount as amount_minor,
        subtotal as subtotal_minor,
        total as total_minor,
        pre_payment_amount as pre_payment_minor,
        post_payment_amount as post_payment_minor,
        tax as tax_minor,
        discount_amount as discount_minor,
        out_of_band_amount as out_of_band_minor,
        refund as refund_id,
        customer_balance_transaction as customer_balance_transaction_id,
        effective_at,
        voided_at,
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
