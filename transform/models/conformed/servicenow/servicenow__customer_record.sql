select
    connection,
    account_id as record_id,
    erp_customer_id as erp_link,
    crm_account_id as crm_link,
    parent_account_id as parent_record_id,
    name,
    tax_id,
    website,
    cast(null as {{ sql_type('string') }}) as email,
    phone,
    street,
    city,
    postcode,
    country,
    cast(null as {{ sql_type('string') }}) as currency,
    cast(null as {{ sql_type('string') }}) as type_raw,
    cast(null as {{ sql_type('string') }}) as stage_raw,
    coalesce(is_active, true) as is_active,
    created_at,
    updated_at
from {{ ref('stg_servicenow__accounts') }}
where not is_removed
