select
    connection,
    account_id as record_id,
    nullif(erp_customer_id, '') as erp_customer_id,
    type_raw,
    nullif(credit_status_raw, '') as credit_status_raw,
    {{ money('credit_limit') }} as credit_limit,
    {{ money('erp_balance') }} as erp_balance,
    {{ money('overdue_amount') }} as overdue_amount,
    cast(overdue_days as bigint) as overdue_days,
    nullif(entitlement_tier_raw, '') as entitlement_tier_raw,
    entitlement_start_date,
    entitlement_end_date,
    last_modified_by_id as changed_by,
    {{ iso_text('system_modstamp', '%Y-%m-%dT%H:%M:%S.%g+0000') }} as version,
    last_modified_at as changed_at
from {{ ref('stg_salesforce_service__accounts') }}
where not is_removed
