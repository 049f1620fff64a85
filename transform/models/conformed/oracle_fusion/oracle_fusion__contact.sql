select
    connection,
    person_id as contact_id,
    customer_id as customer_record_id,
    name,
    email,
    coalesce(phone, mobile_phone) as phone,
    coalesce(status_raw, 'A') = 'A' as is_active,
    created_at,
    updated_at
from {{ ref('stg_oracle_fusion__persons') }}
where not is_removed and customer_id is not null
