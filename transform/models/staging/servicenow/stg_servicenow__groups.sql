{{ config(unique_key=['connection', 'group_id']) }}

with source as (
    {{ landing('servicenow', 'groups') }}
),

renamed as (
    select
        _connection as connection,
        id as group_id,
        nullif(name, '') as name,
        nullif(description, '') as description,
        nullif(type, '') as group_type,
        nullif(email, '') as email,
        nullif(manager_id, '') as manager_id,
        nullif(parent_id, '') as parent_id,
        is_active,
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
