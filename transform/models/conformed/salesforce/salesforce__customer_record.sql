select
    connection,
    account_id as record_id,
    nullif(erp_customer_id, '') as erp_link,
    account_id as crm_link,
    parent_id as parent_record_id,
    name,
    tax_id,
    website,
    cast(null as {{ sql_type('string') }}) as email,
    phone,
    street,
    city,
    postcode,
    upper(country) as country,
    currency,
    type_raw,
    cast(null as {{ sql_type('string') }}) as stage_raw,
    true as is_active,
    created_at,
    last_modified_at as updated_at
from {{ ref('stg_salesforce__accounts') }}
where not is_removed
