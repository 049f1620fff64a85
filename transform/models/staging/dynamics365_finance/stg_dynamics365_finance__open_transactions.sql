{{ config(unique_key=['connection', 'record_id', 'company_id']) }}

with source as (
    {{ landing('dynamics365_finance', 'open_transactions') }}
),

renamed as (
    select
        _connection as connection,
        cast(record_id as {{ dbt.type_string() }}) as record_id,
        data_area_id as company_id,
        cast(transaction_record_id as {{ dbt.type_string() }}) as transaction_record_id,
        customer_account,
        amount,
        accounting_amount,
        possible_cash_discount,
        due_date,
        cash_discount_on,
        transaction_date,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
