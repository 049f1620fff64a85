{{ config(unique_key=['connection', 'opportunity_stage_id']) }}

with source as (
    {{ landing('salesforce', 'opportunity_stages') }}
),

renamed as (
    select
        _connection as connection,
        id as opportunity_stage_id,
        created_by_id,
        last_modified_by_id,
        api_name,
        master_label,
        forecast_category,
        is_active,
        is_closed,
        is_won,
        default_probability,
        sort_order,
        created_at,
        last_modified_at,
        system_modstamp,
        coalesce(system_modstamp, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
