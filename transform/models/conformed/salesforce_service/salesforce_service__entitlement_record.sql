select
    connection,
    entitlement_id,
    account_id as customer_record_id,
    service_contract_id as contract_id,
    asset_id,
    name,
    status_raw,
    nullif(tier_raw, '') as tier_raw,
    start_date,
    end_date,
    last_modified_at as updated_at
from {{ ref('stg_salesforce_service__entitlements') }}
where not is_removed
