{{ config(unique_key=['connection', 'pricebook_entry_id']) }}

with source as (
    {{ landing('salesforce', 'pricebook_entries') }}
),

renamed as (
    select
        _connection as connection,
        id as pricebook_entry_id,
        created_by_id,
        last_modified_by_id,
        pricebook_id,
        product_id,
        product_code as sku,
        upper(currency_iso_code) as currency,
        use_standard_price as is_standard_price,
        is_active,
        unit_price,
        created_at,
        last_modified_at,
        system_modstamp,
        coalesce(system_modstamp, _extracted_at) as version_at,
        {{ staged_columns("is_deleted") }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
