{{ config(unique_key=['connection', 'entitlement_contact_id']) }}

with source as (
    {{ landing('salesforce_service', 'entitlement_contacts') }}
),

renamed as (
    select
        _connection as connection,
        id as entitlement_contact_id,
        created_by_id,
        last_modified_by_id,
        entitlement_id,
        contact_id,
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
