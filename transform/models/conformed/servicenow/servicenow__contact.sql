select
    connection,
    contact_id,
    coalesce(account_id, company_id) as customer_record_id,
    name,
    email,
    coalesce(phone, mobile_phone) as phone,
    coalesce(is_active, true) and not coalesce(is_locked_out, false) as is_active,
    created_at,
    updated_at
from {{ ref('stg_servicenow__contacts') }}
where not is_removed
