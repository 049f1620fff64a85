{{ config(unique_key=['connection', 'entitlement_id']) }}

with source as (
    {{ landing('salesforce_service', 'entitlements') }}
),

renamed as (
    select
        _connection as connection,
        id as entitlement_id,
        created_by_id,
        last_modified_by_id,
        account_id,
        asset_id,
        service_contract_id,
        contract_line_item_id,
        sla_process_id,
        business_hours_id,
        name,
        type as entitlement_type,
        status as status_raw,
        tier as tier_raw,
        is_per_incident,
        cases_per_entitlement,
        remaining_cases,
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
