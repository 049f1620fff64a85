{{ config(unique_key=['connection', 'credit_memo_item_id']) }}

with source as (
    {{ landing('zuora', 'credit_memo_items') }}
),

renamed as (
    select
        _connection as connection,
        id as credit_memo_item_id,
        credit_memo_id,
        invoice_item_id,
        rate_plan_charge_id,
        product_rate_plan_charge_id,
        subscription_id as subscription_version_id,
        applied_to_item_id,
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
        processing_type,
        source_item_type,
        tax_mode,
        amount,
        amount_without_tax,
        tax_amount,
        unapplied_amount,
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
