select
    connection,
    entitlement_id,
    account_id as customer_record_id,
    contract_id,
    asset_id,
    name,
    status_raw,
    tier_raw,
    start_date,
    end_date,
    updated_at
from {{ ref('stg_servicenow__entitlements') }}
where not is_removed
