{{ config(unique_key=['connection', 'amendment_id']) }}

with source as (
    {{ landing('zuora', 'amendments') }}
),

renamed as (
    select
        _connection as connection,
        id as amendment_id,
        subscription_id as subscription_version_id,
        new_rate_plan_id,
        removed_rate_plan_id,
        created_by_id,
        updated_by_id,
        code,
        name,
        type,
        status as status_raw,
        description,
        contract_effective_date,
        effective_date,
        customer_acceptance_date,
        service_activation_date,
        term_start_date,
        term_type,
        auto_renew as is_auto_renewing,
        renewal_term,
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
