-- the deciding subscription of a customer: an active one of the highest tier, else the one that ended last; unknown statuses decide nothing
with known as (
    select *, case tier when 'premium' then 3 when 'standard' then 2 when 'basic' then 1 end as tier_rank
    from {{ ref('subscription') }}
    where customer_id is not null and tier is not null and (is_active or status in ('canceled', 'unpaid', 'incomplete_expired'))
),

unknown as (
    select distinct customer_id from {{ ref('subscription') }} where status is null and customer_id is not null
),

deciding as (
    select known.*
    from known
    left join unknown on known.customer_id = unknown.customer_id
    where unknown.customer_id is null or known.is_active
    qualify row_number() over (
        partition by known.customer_id
        order by known.is_active desc, case when known.is_active then known.tier_rank else 0 end desc, known.end_date desc, known.subscription_key
    ) = 1
)

select
    customer_id,
    connection as subscription_connection,
    subscription_id,
    is_active as is_covered,
    case when is_active then tier end as tier,
    tier as last_tier,
    currency,
    period_amount,
    start_date,
    end_date,
    updated_at
from deciding
