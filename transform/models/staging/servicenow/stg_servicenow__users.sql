{{ config(unique_key=['connection', 'user_id']) }}

with source as (
    {{ landing('servicenow', 'users') }}
),

renamed as (
    select
        _connection as connection,
        id as user_id,
        nullif(user_name, '') as user_name,
        nullif(name, '') as name,
        nullif(email, '') as email,
        nullif(title, '') as title,
        is_active,
        is_locked_out,
        nullif(manager_id, '') as manager_id,
        nullif(department_id, '') as department_id,
        nullif(time_zone, '') as time_zone,
        last_login_at,
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
