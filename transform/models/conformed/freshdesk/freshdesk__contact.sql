select
    connection,
    contact_id,
    company_id as customer_record_id,
    name,
    nullif(email, '') as email,
    coalesce(nullif(phone, ''), nullif(mobile, '')) as phone,
    true as is_active,
    created_at,
    updated_at
from {{ ref('stg_freshdesk__contacts') }}
where not is_removed
