with billed as (
    select distinct customer_id from {{ ref('crosswalk') }} where role = 'billing'
),

subscribed as (
    select distinct customer_id from {{ ref('subscription') }} where customer_id is not null
)

select
    customer.customer_id,
    customer.owner_record_id as erp_customer_id,
    case when customer.is_on_hold then 'hold' else 'ok' end as credit_status,
    customer.credit_limit,
    customer.balance as erp_balance,
    customer.overdue_amount,
    customer.overdue_days,
    -- what has lapsed keeps its tier and shows its end; what nobody can read (an unknown status) is left as it is
    cover.last_tier as tier,
    cover.start_date,
    cover.end_date,
    cover.is_covered,
    billed.customer_id is not null and subscribed.customer_id is null as never_subscribed,
    coalesce(nullif(customer.overdue_amount, 0), customer.balance) as exposure,
    customer.currency,
    -- what nobody could add up may be anything
    coalesce(coalesce(nullif(customer.overdue_amount, 0), customer.balance) * cast(coalesce(customer.base_exchange_rate, 1) as decimal(12, 6))
        > {{ contract()['customer']['approval']['exposure_over'] }}, true) as is_over_approval_limit,
    greatest(customer.updated_at, coalesce(cover.updated_at, customer.updated_at)) as source_commit_at
from {{ ref('customer') }} as customer
left join {{ ref('entitlement') }} as cover on customer.customer_id = cover.customer_id
left join billed on customer.customer_id = billed.customer_id
left join subscribed on customer.customer_id = subscribed.customer_id
