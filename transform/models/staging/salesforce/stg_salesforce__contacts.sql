{{ config(unique_key=['connection', 'contact_id']) }}

with source as (
    {{ landing('salesforce', 'contacts') }}
),

renamed as (
    select
        _connection as connection,
        id as contact_id,
        account_id,
        first_name,
        last_name,
        title,
        email,
        phone,
        created_at,
        last_modified_at,
        system_modstamp,
        coalesce(system_modstamp, _extracted_at) as version_at,
        {{ staged_columns("is_deleted") }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
