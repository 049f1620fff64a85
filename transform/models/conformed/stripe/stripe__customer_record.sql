select
    connection,
    customer_id as record_id,
    nullif(erp_customer_id, '') as erp_link,
    cast(null as {{ sql_type('string') }}) as crm_link,
    cast(null as {{ sql_type('string') }}) as parent_record_id,
    name,
    tax_id,
    domain as website,
    email,
    phone,
    street,
    city,
    postcode,
    upper(country) as country,
    currency,
    cast(null as {{ sql_type('string') }}) as type_raw,
    cast(null as {{ sql_type('string') }}) as stage_raw,
    true as is_active,
    created_at,
    coalesce(changed_at, created_at) as updated_at
from {{ ref('stg_stripe__customers') }}
where not is_removed
