{{ config(unique_key=['connection', 'address_location_id', 'company_id', 'customer_account', 'legal_entity_id', 'effective_at']) }}

with source as (
    {{ landing('dynamics365_finance', 'customer_addresses') }}
),

renamed as (
    select
        _connection as connection,
        address_location_id,
        data_area_id as company_id,
        customer_account,
        legal_entity_id,
        effective_at,
        country_id,
        street,
        street_number,
        city,
        postcode,
        region,
        county,
        country,
        description,
        formatted_address,
        roles,
        is_primary = 'Yes' as is_primary,
        is_delivery = 'Yes' as is_delivery,
        is_invoice = 'Yes' as is_invoice,
        is_business = 'Yes' as is_business,
        expires_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
