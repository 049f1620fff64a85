{{ config(unique_key=['connection', 'rate_plan_charge_id']) }}

with source as (
    {{ landing('zuora', 'rate_plan_charges') }}
),

renamed as (
    select
        _connection as connection,
        id as rate_plan_charge_id,
        rate_plan_id,
        product_rate_plan_charge_id,
        original_id as subscription_item_id,
        subscription_id as subscription_version_id,
        created_by_id,
        updated_by_id,
        charge_number,
        name,
        version,
        segment,
        is_last_segment,
        charge_type,
        charge_model,
        billing_period,
        billing_timing,
        unit_of_measure,
        effective_start_date,
        effective_end_date,
        charged_through_date,
        processed_through_date,
        end_date_condition,
        accounting_code,
        description,
        quantity,
        monthly_recurring_revenue,
        monthly_recurring_change,
        total_contract_value,
        total_contract_value_change,
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
