{{ config(unique_key=['connection', 'subscription_id']) }}

with source as (
    {{ landing('chargebee', 'subscriptions') }}
),

renamed as (
    select
        _connection as connection,
        id as subscription_id,
        customer_id,
        status as status_raw,
        upper(currency_code) as currency,
        billing_period,
        billing_period_unit,
        auto_collection,
        po_number,
        net_term_days,
        remaining_billing_cycles,
        start_date as starts_at,
        trial_start as trial_started_at,
        trial_end as trial_ends_at,
        current_term_start as period_started_at,
        current_term_end as period_ends_at,
        next_billing_at,
        started_at,
        activated_at,
        pause_date as paused_at,
        resume_date as resumes_at,
        cancelled_at,
        cancel_schedule_created_at,
        cancel_reason,
        cancel_reason_code,
        has_scheduled_changes,
        changes_scheduled_at,
        due_invoices_count,
        due_since as due_since_at,
        total_dues as total_dues_minor,
        mrr as mrr_minor,
        arr as arr_minor,
        exchange_rate,
        upper(base_currency_code) as base_currency,
        contract_term_id,
        contract_term_status,
        contract_term_start as contract_term_started_at,
        contract_term_end as contract_term_ends_at,
        contract_term_billing_cycle,
        contract_term_action,
        contract_term_value as contract_term_value_minor,
        business_entity_id,
        meta_data,
        crm_contract_id as contract_id,
        decommissioned as is_decommissioned,
        created_at,
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
