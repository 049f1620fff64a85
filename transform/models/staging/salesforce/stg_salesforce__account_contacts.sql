{{ config(unique_key=['connection', 'account_contact_id']) }}

with source as (
    {{ landing('salesforce', 'account_contacts') }}
),

renamed as (
    select
        _connection as connection,
        id as account_contact_id,
        created_by_id,
        last_modified_by_id,
        account_id,
        contact_id,
        roles,
        is_direct,
        is_active,
        created_at,
        last_modified_at,
        system_modstamp,
        start_date,
        end_date,
        coalesce(system_modstamp, _extracted_at) as version_at,
        {{ staged_columns("is_deleted") }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
