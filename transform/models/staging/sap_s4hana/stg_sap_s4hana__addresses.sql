{{ config(unique_key=['connection', 'business_partner_id', 'address_id']) }}

with landed as (
    {{ landing('sap_s4hana', 'addresses') }}
),

-- the same number comes with or without leading zeros, and a day and its time of day apart
source as (
    select
        *,
        regexp_replace(business_partner, '^0+([0-9]+)$', {{ first_group() }}) as bare_business_partner,
        regexp_replace(address_id, '^0+([0-9]+)$', {{ first_group() }}) as bare_address_id
    from landed
),

renamed as (
    select
        _connection as connection,
        bare_business_partner as business_partner_id,
        bare_address_id as address_id,
        valid_from,
        valid_to,
        address_uuid,
        city,
        country,
        county,
        district,
        full_name,
        house_number,
        language,
        po_box,
        postal_code,
        region,
        street,
        tax_jurisdiction,
        external_address_id,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
