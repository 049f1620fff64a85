{{ config(unique_key=['connection', 'asset_id']) }}

with source as (
    {{ landing('freshdesk', 'assets') }}
),

renamed as (
    select
        _connection as connection,
        id as asset_id,
        company_id,
        name,
        serial_number,
        product_sku,
        status as status_raw,
        version as record_version,
        installed_date,
        cover_end_date,
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
