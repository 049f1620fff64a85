{{ config(unique_key=['connection', 'case_id']) }}

with source as (
    {{ landing('salesforce_service', 'cases') }}
),

renamed as (
    select
        _connection as connection,
        id as case_id,
        created_by_id,
        last_modified_by_id,
        master_record_id,
        account_id,
        contact_id,
        asset_id,
        product_id,
        entitlement_id,
        service_contract_id,
        parent_id,
        owner_id,
        case_number as number,
        type as case_type_raw,
        status as status_raw,
        reason,
        origin,
        priority as priority_raw,
        language,
        subject,
        milestone_status,
        erp_order_number as order_number,
        is_closed,
        is_closed_on_create,
        is_escalated,
        is_stopped,
        credit_hold as has_credit_hold,
        lapsed_cover as has_lapsed_cover,
        created_at,
        last_modified_at,
        system_modstamp,
        closed_at,
        sla_start_at as sla_started_at,
        sla_exit_at as sla_exited_at,
        stop_start_at as stopped_at,
        coalesce(system_modstamp, _extracted_at) as version_at,
        {{ staged_columns("is_deleted") }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
