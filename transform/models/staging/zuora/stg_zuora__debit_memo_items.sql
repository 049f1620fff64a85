{{ config(unique_key=['connection', 'debit_memo_item_id']) }}

with source as (
    {{ landing('zuora', 'debit_memo_items') }}
),

renamed as (
    select
        _connection as connection,
        id as debit_memo_item_id,
        debit_memo_id,
        invoice_item_id,
        rate_plan_charge_id,
        subscription_id as subscription_version_id,
        created_by_id,
        updated_by_id,
        subscription_number,
        charge_name,
        charge_number,
        sku,
        unit_of_measure,
        service_start_date,
        service_end_date,
        description,
        amount,
        amount_without_tax,
        tax_amount,
        balance,
        quantity,
        unit_price,
        created_at,
        updated_at,
        coalesce(updated_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
