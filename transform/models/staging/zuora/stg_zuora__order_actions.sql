{{ config(unique_key=['connection', 'order_action_id']) }}

with source as (
    {{ landing('zuora', 'order_actions') }}
),

renamed as (
    select
        _connection as connection,
        id as order_action_id,
        order_id,
        subscription_id as subscription_version_id,
        created_by_id,
        updated_by_id,
        subscription_number,
        type,
        sequence,
        contract_effective_date,
        service_activation_date,
        customer_acceptance_date,
        cancellation_policy,
        cancellation_effective_date,
        suspend_date,
        resume_date,
        renew_setting,
        auto_renew as is_auto_renewing,
        term_start_date,
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
