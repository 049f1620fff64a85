{{ config(unique_key=['connection', 'contact_id']) }}

with source as (
    {{ landing('servicenow', 'contacts') }}
),

renamed as (
    select
        _connection as connection,
        id as contact_id,
        nullif(user_name, '') as user_name,
        nullif(name, '') as name,
        nullif(first_name, '') as first_name,
        nullif(last_name, '') as last_name,
        nullif(email, '') as email,
        nullif(phone, '') as phone,
        nullif(mobile_phone, '') as mobile_phone,
        nullif(title, '') as title,
        nullif(account_id, '') as account_id,
        nullif(company_id, '') as company_id,
        is_active,
        is_locked_out,
        is_vip,
        nullif(preferred_language, '') as preferred_language,
        nullif(time_zone, '') as time_zone,
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
