{{ config(unique_key=['connection', 'brand_id']) }}

with source as (
    {{ landing('zendesk', 'brands') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as brand_id,
        name,
        subdomain,
        brand_url,
        is_active,
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
