{{ config(unique_key=['connection', 'opportunity_change_id']) }}

with source as (
    {{ landing('salesforce', 'opportunity_history') }}
),

renamed as (
    select
        _connection as connection,
        id as opportunity_change_id,
        created_by_id,
        opportunity_id,
        stage_name as stage_raw,
        forecast_category,
        amount,
        expected_revenue,
        probability,
        created_at,
        system_modstamp,
        close_date,
        coalesce(system_modstamp, _extracted_at) as version_at,
        {{ staged_columns("is_deleted") }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
