{{ config(unique_key=['connection', 'asset_id']) }}

with source as (
    {{ landing('salesforce_service', 'assets') }}
),

renamed as (
    select
        _connection as connection,
        id as asset_id,
        created_by_id,
        last_modified_by_id,
        account_id,
        contact_id,
        parent_id,
        root_asset_id,
        product_id,
        owner_id,
        asset_provided_by_id,
        asset_serviced_by_id,
        product_code as sku,
        stock_keeping_unit,
        name,
        serial_number,
        status as status_raw,
        upper(currency_iso_code) as currency,
        is_competitor_product,
        is_internal,
        price,
        quantity,
        created_at,
        last_modified_at,
        system_modstamp,
        install_date as installed_date,
        purchase_date,
        usage_end_date as cover_end_date,
        coalesce(system_modstamp, _extracted_at) as version_at,
        {{ staged_columns("is_deleted") }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
