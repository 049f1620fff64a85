{{ config(unique_key=['connection', 'change_id']) }}

with source as (
    {{ landing('servicenow', 'case_changes') }}
),

renamed as (
    select
        _connection as connection,
        id as change_id,
        nullif(case_id, '') as case_id,
        nullif(field, '') as field,
        nullif(old_value, '') as old_value,
        nullif(new_value, '') as new_value,
        nullif(user_name, '') as user_name,
        record_checkpoint,
        created_at,
        nullif(created_by, '') as created_by,
        coalesce(created_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
