select
    connection,
    account_id as record_id,
    erp_customer_id,
    cast(null as {{ sql_type('string') }}) as type_raw,
    credit_status_raw,
    cast(null as {{ sql_type('money') }}) as credit_limit,
    {{ money('erp_balance') }} as erp_balance,
    {{ money('overdue_amount') }} as overdue_amount,
    overdue_days,
    entitlement_tier_raw,
    entitlement_start_date,
    entitlement_end_date,
    updated_by as changed_by,
    {{ iso_text('updated_at', '%Y-%m-%d %H:%M:%S') }} as version,
    updated_at as changed_at
from {{ ref('stg_servicenow__accounts') }}
where not is_removed
