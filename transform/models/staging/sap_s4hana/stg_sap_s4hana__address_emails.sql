{{ config(unique_key=['connection', 'address_id', 'person_id', 'ordinal_number']) }}

with landed as (
    {{ landing('sap_s4hana', 'address_emails') }}
),

-- the same number comes with or without leading zeros, and a day and its time of day apart
source as (
    select
        *,
        regexp_replace(business_partner, '^0+([0-9]+)$', {{ first_group() }}) as bare_business_partner,
        regexp_replace(address_id, '^0+([0-9]+)$', {{ first_group() }}) as bare_address_id,
        regexp_replace(person, '^0+([0-9]+)$', {{ first_group() }}) as bare_person,
        regexp_replace(ordinal_number, '^0+([0-9]+)$', {{ first_group() }}) as bare_ordinal_number
    from landed
),

renamed as (
    select
        _connection as connection,
        bare_business_partner as business_partner_id,
        bare_address_id as address_id,
        bare_person as person_id,
        bare_ordinal_number as ordinal_number,
        is_default,
        email,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
