select
    connection,
    company_id as record_id,
    nullif(erp_customer_id, '') as erp_link,
    nullif(crm_account_id, '') as crm_link,
    nullif(parent_company_id, '') as parent_record_id,
    name,
    nullif(tax_id, '') as tax_id,
    {{ first_item('domains') }} as website,
    cast(null as {{ sql_type('string') }}) as email,
    cast(null as {{ sql_type('string') }}) as phone,
    cast(null as {{ sql_type('string') }}) as street,
    cast(null as {{ sql_type('string') }}) as city,
    cast(null as {{ sql_type('string') }}) as postcode,
    cast(null as {{ sql_type('string') }}) as country,
    cast(null as {{ sql_type('string') }}) as currency,
    cast(null as {{ sql_type('string') }}) as type_raw,
    cast(null as {{ sql_type('string') }}) as stage_raw,
    true as is_active,
    created_at,
    updated_at
from {{ ref('stg_freshdesk__companies') }}
where not is_removed
