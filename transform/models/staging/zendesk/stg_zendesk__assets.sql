{{ config(unique_key=['connection', 'asset_id']) }}

with source as (
    {{ landing('zendesk', 'assets') }}
),

renamed as (
    select
        _connection as connection,
        id as asset_id,
        name,
        external_id,
        cast(organization_id as {{ dbt.type_string() }}) as organization_id,
        sku,
        serial_number,
        status as status_raw,
        installed_on as installed_date,
        cover_end_on as cover_end_date,
        created_at,
        updated_at,
        coalesce(updated_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
