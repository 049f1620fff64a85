{{ config(unique_key=['connection', 'user_id']) }}

with source as (
    {{ landing('salesforce', 'users') }}
),

renamed as (
    select
        _connection as connection,
        id as user_id,
        username,
        name,
        email,
        is_active,
        created_at,
        system_modstamp,
        coalesce(system_modstamp, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
