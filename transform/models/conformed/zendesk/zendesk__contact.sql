select
    connection,
    user_id as contact_id,
    organization_id as customer_record_id,
    name,
    email,
    phone,
    coalesce(is_active, true) and not coalesce(is_suspended, false) as is_active,
    created_at,
    updated_at
from {{ ref('stg_zendesk__users') }}
where not is_removed and role = 'end-user'
