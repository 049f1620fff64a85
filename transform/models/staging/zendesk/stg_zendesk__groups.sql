{{ config(unique_key=['connection', 'group_id']) }}

with source as (
    {{ landing('zendesk', 'groups') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as group_id,
        name,
        created_at,
        updated_at,
        coalesce(updated_at, _extracted_at) as version_at,
        {{ staged_columns("is_deleted") }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
