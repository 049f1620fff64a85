{{ config(unique_key=['connection', 'pricebook_id']) }}

with source as (
    {{ landing('salesforce', 'pricebooks') }}
),

renamed as (
    select
        _connection as connection,
        id as pricebook_id,
        created_by_id,
        last_modified_by_id,
        name,
        description,
        is_active,
        is_standard,
        is_archived,
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
