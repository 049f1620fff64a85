{{ config(unique_key=['connection', 'subscription_version_id']) }}

with source as (
    {{ landing('zuora', 'subscriptions') }}
),

renamed as (
    select
        _connection as connection,
        id as subscription_version_id,
        account_id,
        creator_account_id,
        invoice_owner_id,
        order_id,
        original_id as subscription_id,
        previous_subscription_id as previous_version_id,
        bill_to_contact_id,
        sold_to_contact_id,
        created_by_id,
        updated_by_id,
        crm_contract_id,
        auto_renew as is_auto_renewing,
        cancel_reason,
        cancelled_date,
        contract_acceptance_date,
        contract_effective_date,
        upper(currency) as currency,
        current_term,
        current_term_period_type,
        initial_term,
        initial_term_period_type,
        is_latest_version,
        name as subscription_number,
        notes,
        quote_number,
        renewal_setting,
        renewal_term,
        renewal_term_period_type,
        service_activation_date,
        status as status_raw,
        subscription_end_date,
        subscription_start_date,
        term_end_date,
        term_start_date,
        term_type,
        version,
        contracted_monthly_recurring_revenue,
        original_created_at as created_at,
        created_at as version_created_at,
        updated_at,
        coalesce(updated_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
