select
    connection,
    company_id as record_id,
    nullif(erp_customer_id, '') as erp_customer_id,
    cast(null as {{ sql_type('string') }}) as type_raw,
    nullif(credit_status_raw, '') as credit_status_raw,
    cast(null as {{ sql_type('money') }}) as credit_limit,
    {{ money('erp_balance') }} as erp_balance,
    {{ money('overdue_amount') }} as overdue_amount,
    overdue_days,
    nullif(entitlement_tier_raw, '') as entitlement_tier_raw,
    entitlement_start_date,
    entitlement_end_date,
    cast(null as {{ sql_type('string') }}) as changed_by,
    {{ iso_text('updated_at', '%Y-%m-%dT%H:%M:%SZ') }} as version,
    updated_at as changed_at
from {{ ref('stg_freshdesk__companies') }}
where not is_removed
