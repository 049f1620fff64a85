{{ config(unique_key=['connection', 'queue_id']) }}

with source as (
    {{ landing('salesforce_service', 'queues') }}
),

renamed as (
    select
        _connection as connection,
        id as queue_id,
        created_by_id,
        last_modified_by_id,
        name,
        developer_name,
        type as group_type,
        email,
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
