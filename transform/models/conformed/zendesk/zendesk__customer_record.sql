select
    connection,
    organization_id as record_id,
    nullif(erp_customer_id, '') as erp_link,
    nullif(external_id, '') as crm_link,
    cast(null as {{ sql_type('string') }}) as parent_record_id,
    name,
    tax_id,
    {{ first_item('domain_names') }} as website,
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
from {{ ref('stg_zendesk__organizations') }}
where not is_removed
