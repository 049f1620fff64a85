{{ config(unique_key=['connection', 'payout_id']) }}

with source as (
    {{ landing('stripe', 'payouts') }}
),

renamed as (
    select
        _connection as connection,
        id as payout_id,
        amount as amount_minor,
        upper(currency) as currency,
        status as status_raw,
        automatic as is_automatic,
        balance_transaction as balance_transaction_id,
        failure_code,
        arrival_date as arrives_at,
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
