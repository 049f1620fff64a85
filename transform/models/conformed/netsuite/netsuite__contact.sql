select
    connection,
    contact_id,
    customer_id as customer_record_id,
    trim(coalesce(first_name, '') || ' ' || coalesce(last_name, '')) as name,
    email,
    phone,
    not coalesce(is_inactive, false) as is_active,
    created_at,
    updated_at
from {{ ref('stg_netsuite__contacts') }}
where not is_removed
