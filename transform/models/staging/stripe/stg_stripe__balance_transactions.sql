{{ config(unique_key=['connection', 'balance_transaction_id']) }}

with source as (
    {{ landing('stripe', 'balance_transactions') }}
),

renamed as (
    select
        _connection as connection,
        id as balance_transaction_id,
        source as source_id,
        type as transaction_type,
        reporting_category,
        status as status_raw,
        amount as amount_minor,
        fee as fee_minor,
        net as net_minor,
        upper(currency) as currency,
        exchange_rate,
        available_on as available_at,
        created as created_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
