{{ config(unique_key=['connection', 'asset_id']) }}

with source as (
    {{ landing('servicenow', 'assets') }}
),

renamed as (
    select
        _connection as connection,
        id as asset_id,
        nullif(asset_tag, '') as asset_tag,
        nullif(display_name, '') as display_name,
        nullif(serial_number, '') as serial_number,
        nullif(product_id, '') as product_id,
        nullif(category_id, '') as category_id,
        nullif(account_id, '') as account_id,
        nullif(company_id, '') as company_id,
        nullif(contact_id, '') as contact_id,
        nullif(parent_id, '') as parent_id,
        nullif(install_status, '') as status_raw,
        nullif(substatus, '') as substatus,
        quantity,
        installed_at,
        purchase_date,
        warranty_expiration_date,
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
