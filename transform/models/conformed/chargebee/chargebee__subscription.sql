select
    connection,
    subscription_id,
    customer_id as customer_record_id,
    nullif(contract_id, '') as contract_id,
    -- Chargebee calls a subscription active whatever is due on it; its overdue invoices are counted beside
    case
        when status_raw in ('active', 'non_renewing') and coalesce(due_invoices_count, 0) > 0 then 'past_due'
        else status_raw
    end as status_raw,
    currency,
    coalesce(started_at, starts_at, created_at) as started_at,
    case when status_raw in ('cancelled', 'transferred') then coalesce(cancelled_at, changed_at) end as ended_at,
    cast({{ chargebee_months('document') }} as bigint) as period_months,
    coalesce(period_ends_at, trial_ends_at) as period_ends_at,
    created_at,
    coalesce(changed_at, created_at) as updated_at
from {{ ref('stg_chargebee__subscriptions') }} as document
where not is_removed
