{{ config(unique_key=['connection', 'case_milestone_id']) }}

with source as (
    {{ landing('salesforce_service', 'case_milestones') }}
),

renamed as (
    select
        _connection as connection,
        id as case_milestone_id,
        created_by_id,
        last_modified_by_id,
        case_id,
        milestone_type_id,
        business_hours_id,
        time_remaining_in_mins,
        time_since_target_in_mins,
        is_completed,
        is_violated,
        target_response_in_mins,
        elapsed_time_in_mins,
        created_at,
        last_modified_at,
        system_modstamp,
        start_at as started_at,
        target_at,
        completion_at as completed_at,
        coalesce(system_modstamp, _extracted_at) as version_at,
        {{ staged_columns("is_deleted") }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
