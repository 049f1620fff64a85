{{ config(unique_key=['connection', 'case_change_id']) }}

with source as (
    {{ landing('salesforce_service', 'case_history') }}
),

renamed as (
    select
        _connection as connection,
        id as case_change_id,
        created_by_id,
        case_id,
        field as field_name,
        data_type,
        old_value,
        new_value,
        created_at,
        coalesce(created_at, _extracted_at) as version_at,
        {{ staged_columns("is_deleted") }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
