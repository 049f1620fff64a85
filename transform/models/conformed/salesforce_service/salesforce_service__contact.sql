select
    connection,
    contact_id,
    account_id as customer_record_id,
    trim(coalesce(first_name, '') || ' ' || coalesce(last_name, '')) as name,
    email,
    phone,
    true as is_active,
    created_at,
    last_modified_at as updated_at
from {{ ref('stg_salesforce_service__contacts') }}
where not is_removed
