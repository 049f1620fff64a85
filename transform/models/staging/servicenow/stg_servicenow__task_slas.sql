{{ config(unique_key=['connection', 'task_sla_id']) }}

with source as (
    {{ landing('servicenow', 'task_slas') }}
),

renamed as (
    select
        _connection as connection,
        id as task_sla_id,
        nullif(case_id, '') as case_id,
        nullif(sla_id, '') as sla_id,
        nullif(stage, '') as stage_raw,
        has_breached,
        is_active,
        started_at,
        ended_at,
        planned_end_at,
        original_breach_at,
        duration as duration_since_epoch,
        business_duration as business_duration_since_epoch,
        pause_duration as pause_duration_since_epoch,
        percentage,
        business_percentage,
        created_at,
        nullif(created_by, '') as created_by,
        updated_at,
        nullif(updated_by, '') as updated_by,
        mod_count,
        coalesce(updated_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
