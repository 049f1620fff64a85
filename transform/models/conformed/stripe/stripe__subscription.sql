select
    connection,
    subscription_id,
    customer_id as customer_record_id,
    nullif(contract_id, '') as contract_id,
    status_raw,
    currency,
    started_at,
    ended_at,
    cast(nullif({{ dbt.datediff('period_started_at', 'period_ends_at', 'month') }}, 0) as bigint) as period_months,
    period_ends_at,
    created_at,
    coalesce(changed_at, created_at) as updated_at
from {{ ref('stg_stripe__subscriptions') }}
where not is_removed
