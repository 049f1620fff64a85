select
    connection,
    contract_id,
    account_id as customer_record_id,
    number,
    status_raw,
    nullif(tier_raw, '') as tier_raw,
    nullif(billing_subscription_id, '') as billing_subscription_id,
    start_date,
    end_date,
    last_modified_at as updated_at
from {{ ref('stg_salesforce__contracts') }}
where not is_removed
