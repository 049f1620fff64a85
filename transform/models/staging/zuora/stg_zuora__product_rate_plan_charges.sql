{{ config(unique_key=['connection', 'product_rate_plan_charge_id']) }}

with source as (
    {{ landing('zuora', 'product_rate_plan_charges') }}
),

renamed as (
    select
        _connection as connection,
        id as product_rate_plan_charge_id,
        product_rate_plan_id,
        created_by_id,
        updated_by_id,
        accounting_code,
        bill_cycle_type,
        billing_period,
        billing_timing,
        charge_model,
        charge_type,
        description,
        end_date_condition,
        name,
        product_rate_plan_charge_number,
        taxable as is_taxable,
        tax_code,
        tax_mode,
        trigger_event,
        unit_of_measure,
        default_quantity,
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
