{{ config(unique_key=['connection', 'contract_id']) }}

with source as (
    {{ landing('salesforce', 'contracts') }}
),

renamed as (
    select
        _connection as connection,
        id as contract_id,
        last_modified_by_id,
        account_id,
        contract_number as number,
        billing_subscription_id,
        status as status_raw,
        tier as tier_raw,
        contract_term as term_months,
        created_at,
        last_modified_at,
        system_modstamp,
        start_date,
        end_date,
        coalesce(system_modstamp, _extracted_at) as version_at,
        {{ staged_columns("is_deleted") }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
