{{ config(unique_key=['connection', 'email_id']) }}

with source as (
    {{ landing('salesforce_service', 'emails') }}
),

renamed as (
    select
        _connection as connection,
        id as email_id,
        created_by_id,
        last_modified_by_id,
        case_id,
        from_name,
        from_address,
        to_address,
        cc_address,
        subject,
        status as status_raw,
        incoming as is_incoming,
        created_at,
        last_modified_at,
        system_modstamp,
        message_at,
        coalesce(system_modstamp, _extracted_at) as version_at,
        {{ staged_columns("is_deleted") }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
