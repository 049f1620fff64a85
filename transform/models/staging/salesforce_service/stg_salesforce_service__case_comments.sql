{{ config(unique_key=['connection', 'case_comment_id']) }}

with source as (
    {{ landing('salesforce_service', 'case_comments') }}
),

renamed as (
    select
        _connection as connection,
        id as case_comment_id,
        created_by_id,
        last_modified_by_id,
        case_id,
        creator_name,
        is_published,
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
