{{ config(unique_key=['connection', 'comment_id']) }}

with source as (
    {{ landing('chargebee', 'comments') }}
),

renamed as (
    select
        _connection as connection,
        id as comment_id,
        entity_type,
        entity_id,
        type as type_raw,
        added_by,
        notes,
        created_at,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
