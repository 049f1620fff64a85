{{ config(unique_key=['connection', 'invoice_item_id']) }}

with source as (
    {{ landing('zuora', 'invoice_items') }}
),

renamed as (
    select
        _connection as connection,
        id as invoice_item_id,
        invoice_id,
        account_id,
        applied_to_invoice_item_id,
        fulfillment_id,
        product_rate_plan_charge_id,
        rate_plan_charge_id,
        subscription_id as subscription_version_id,
        created_by_id,
        updated_by_id,
        accounting_code,
        booking_reference,
        charge_name,
        charge_number,
        description,
        processing_type,
        rev_rec_start_date,
        service_end_date,
        service_start_date,
        sku,
        source_item_type,
        subscription_number,
        tax_mode,
        unit_of_measure,
        balance,
        charge_amount,
        quantity,
        tax_amount,
        tax_exempt_amount,
        unit_price,
        charged_at,
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
