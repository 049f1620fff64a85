{{ config(unique_key=['connection', 'sla_id']) }}

with source as (
    {{ landing('servicenow', 'sla_definitions') }}
),

renamed as (
    select
        _connection as connection,
        id as sla_id,
        nullif(name, '') as name,
        nullif(collection, '') as collection,
        nullif(type, '') as sla_type,
        nullif(target, '') as target,
        duration as duration_since_epoch,
        is_active,
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
