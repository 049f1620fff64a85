{{ config(unique_key=['connection', 'case_status_id']) }}

with source as (
    {{ landing('salesforce_service', 'case_statuses') }}
),

renamed as (
    select
        _connection as connection,
        id as case_status_id,
        created_by_id,
        last_modified_by_id,
        api_name,
        master_label,
        is_default,
        is_closed,
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
