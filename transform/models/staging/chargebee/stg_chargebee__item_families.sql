{{ config(unique_key=['connection', 'item_family_id']) }}

with source as (
    {{ landing('chargebee', 'item_families') }}
),

renamed as (
    select
        _connection as connection,
        id as item_family_id,
        name,
        description,
        status as status_raw,
        updated_at,
        resource_version,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
