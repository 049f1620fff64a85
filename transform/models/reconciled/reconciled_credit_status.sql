select
    customer.customer_id,
    customer.owner_connection,
    customer.owner_record_id,
    observed.connection as observer_connection,
    observed.role as observer_role,
    observed.record_id as observer_record_id,
    case when customer.is_on_hold then 'hold' else 'ok' end as owner_status,
    observed.credit_status as observed_status,
    observed.credit_status_raw as observed_status_raw,
    case
        when observed.credit_status is null and observed.credit_status_raw is not null then 'unmapped'
        when customer.is_on_hold and coalesce(observed.credit_status, 'ok') = 'ok' then 'not_propagated'
        when not customer.is_on_hold and observed.credit_status = 'hold' then 'not_released'
        else 'matched'
    end as class,
    coalesce(nullif(customer.overdue_amount, 0), customer.balance) as exposure,
    customer.currency,
    customer.updated_at as since,
    observed.changed_at as observed_at
from {{ ref('customer') }} as customer
inner join {{ ref('account_state') }} as observed on customer.customer_id = observed.customer_id and observed.is_primary
