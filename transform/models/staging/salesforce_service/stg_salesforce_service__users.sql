{{ config(unique_key=['connection', 'user_id']) }}

with source as (
    {{ landing('salesforce_service', 'users') }}
),

renamed as (
    select
        _connection as connection,
        id as user_id,
        created_by_id,
        last_modified_by_id,
        profile_id,
        user_role_id,
        manager_id,
        username,
        first_name,
        last_name,
        name,
        email,
        alias,
        user_type,
        federation_identifier,
        time_zone,
        is_active,
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
