{{ config(unique_key=['connection', 'customer_account', 'company_id', 'aging_period_definition', 'company']) }}

with source as (
    {{ landing('dynamics365_finance', 'aged_balances') }}
),

renamed as (
    select
        _connection as connection,
        customer_account,
        data_area_id as company_id,
        aging_period_definition,
        company,
        currency,
        accounting_balance,
        period_1,
        period_2,
        period_3,
        period_4,
        period_5,
        period_6,
        open_invoices,
        last_payment_amount,
        aged_on,
        last_payment_on,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
