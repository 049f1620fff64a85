with address as (
    select connection, business_partner_id, min(address_id) as address_id
    from {{ ref('stg_sap_s4hana__addresses') }}
    where not is_removed
    group by connection, business_partner_id
),

email as (
    select connection, address_id, min(email) as email
    from {{ ref('stg_sap_s4hana__address_emails') }}
    where not is_removed and coalesce(person_id, '') = ''
    group by connection, address_id
),

phone as (
    select connection, address_id, min(phone) as phone
    from {{ ref('stg_sap_s4hana__address_phones') }}
    where not is_removed and coalesce(person_id, '') = ''
    group by connection, address_id
),

website as (
    select connection, address_id, min(website) as website
    from {{ ref('stg_sap_s4hana__address_websites') }}
    where not is_removed
    group by connection, address_id
),

area as (
    select connection, customer_id, min(nullif(currency, '')) as currency
    from {{ ref('stg_sap_s4hana__customer_sales_areas') }}
    where not is_removed
    group by connection, customer_id
),

ledger as (
    select connection, customer_id, min(nullif(head_office_id, '')) as head_office_id
    from {{ ref('stg_sap_s4hana__customer_companies') }}
    where not is_removed
    group by connection, customer_id
)

select
    record.connection,
    record.customer_id as record_id,
    record.customer_id as erp_link,
    nullif(partner.external_id, '') as crm_link,
    ledger.head_office_id as parent_record_id,
    coalesce(nullif(record.full_name, ''), partner.name) as name,
    coalesce(nullif(record.vat_registration, ''), nullif(record.tax_number1, '')) as tax_id,
    website.website,
    email.email,
    phone.phone,
    nullif(trim(concat(coalesce(place.street, ''), ' ', coalesce(place.house_number, ''))), '') as street,
    nullif(place.city, '') as city,
    nullif(place.postal_code, '') as postcode,
    upper(nullif(place.country, '')) as country,
    area.currency,
    cast(null as {{ sql_type('string') }}) as type_raw,
    cast(null as {{ sql_type('string') }}) as stage_raw,
    not coalesce(partner.is_blocked, false) as is_active,
    coalesce(partner.created_at, cast(record.created_date as {{ sql_type('timestamp') }})) as created_at,
    coalesce(partner.updated_at, partner.created_at) as updated_at
from {{ ref('stg_sap_s4hana__customers') }} as record
left join {{ ref('stg_sap_s4hana__business_partners') }} as partner
    on record.connection = partner.connection and record.customer_id = partner.business_partner_id and not partner.is_removed
left join address on record.connection = address.connection and record.customer_id = address.business_partner_id
left join {{ ref('stg_sap_s4hana__addresses') }} as place
    on address.connection = place.connection and address.business_partner_id = place.business_partner_id and address.address_id = place.address_id
left join email on address.connection = email.connection and address.address_id = email.address_id
left join phone on address.connection = phone.connection and address.address_id = phone.address_id
left join website on address.connection = website.connection and address.address_id = website.address_id
left join area on record.connection = area.connection and record.customer_id = area.customer_id
left join ledger on record.connection = ledger.connection and record.customer_id = ledger.customer_id
where not record.is_removed
