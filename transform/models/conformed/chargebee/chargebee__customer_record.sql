select
    connection,
    customer_id as record_id,
    nullif(erp_customer_id, '') as erp_link,
    cast(null as {{ sql_type('string') }}) as crm_link,
    parent_customer_id as parent_record_id,
    coalesce(nullif(company_name, ''), nullif(trim(coalesce(first_name, '') || ' ' || coalesce(last_name, '')), '')) as name,
    nullif(tax_id, '') as tax_id,
    nullif(domain, '') as website,
    nullif(email, '') as email,
    nullif(phone, '') as phone,
    nullif(street, '') as street,
    nullif(city, '') as city,
    nullif(postcode, '') as postcode,
    nullif(country, '') as country,
    currency,
    cast(null as {{ sql_type('string') }}) as type_raw,
    cast(null as {{ sql_type('string') }}) as stage_raw,
    true as is_active,
    created_at,
    coalesce(changed_at, created_at) as updated_at
from {{ ref('stg_chargebee__customers') }}
where not is_removed
