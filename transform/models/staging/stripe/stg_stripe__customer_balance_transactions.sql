{{ config(unique_key=['connection', 'customer_balance_transaction_id']) }}

with source as (
    {{ landing('stripe', 'customer_balance_transactions') }}
),

renamed as (
    select
        _connection as connection,
        id as customer_balance_transaction_id,
        customer as customer_id,
        type as transaction_type,
        amount as amount_minor,
        ending_balance as ending_balance_minor,
        upper(currency) as currency,
        invoice as invoice_id,
        credit_note as credit_note_id,
        created as created_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
