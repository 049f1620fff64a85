{{ config(unique_key=['connection', 'transaction_id']) }}

with source as (
    {{ landing('chargebee', 'transactions') }}
),

renamed as (
    select
        _connection as connection,
        id as transaction_id,
        customer_id,
        subscription_id,
        type as type_raw,
        status as status_raw,
        payment_method,
        gateway,
        gateway_account_id,
        payment_source_id,
        id_at_gateway,
        reference_number,
        upper(currency_code) as currency,
        upper(base_currency_code) as base_currency,
        exchange_rate,
        amount as amount_minor,
        amount_unused as unused_minor,
        amount_capturable as capturable_minor,
        error_code,
        error_text,
        reference_transaction_id,
        refunded_transaction_id,
        reversal_transaction_id,
        invoice_id,
        credit_note_id,
        business_entity_id,
        date as transacted_at,
        settled_at,
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
