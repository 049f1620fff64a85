{{ config(unique_key=['connection', 'group_member_id']) }}

with source as (
    {{ landing('servicenow', 'group_members') }}
),

renamed as (
    select
        _connection as connection,
        id as group_member_id,
        nullif(group_id, '') as group_id,
        nullif(user_id, '') as user_id,
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
