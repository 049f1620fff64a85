with items as (
    select
        item.connection,
        item.subscription_id,
        max(case product.tier when 'premium' then 3 when 'standard' then 2 when 'basic' then 1 end) as tier_rank,
        sum(item.unit_amount_minor * coalesce(item.quantity, 1)) as period_minor
    from {{ ref('stg_stripe__subscription_items') }} as item
    left join {{ ref('product') }} as product on item.connection = product.connection and item.product_id = product.product_id
    where not item.is_removed
    group by item.connection, item.subscription_id
),

subscriptions as (
    select *, {{ value_of('subscription', 'status', 'stripe', 'status_raw') }} as status
    from {{ ref('stg_stripe__subscriptions') }}
    where not is_removed
)

select
    agreement.connection || ':' || agreement.subscription_id as subscription_key,
    agreement.connection,
    agreement.subscription_id,
    link.customer_id,
    agreement.customer_id as billing_customer_id,
    nullif(agreement.contract_id, '') as contract_id,
    agreement.status,
    agreement.status_raw,
    agreement.status in ({{ quoted(contract()['subscription']['active_statuses']) }}) as is_active,
    case item.tier_rank when 3 then 'premium' when 2 then 'standard' when 1 then 'basic' end as tier,
    agreement.currency,
    {{ from_minor('item.period_minor', 'currency.minor_size') }} as period_amount,
    cast(agreement.started_at as date) as start_date,
    cast(coalesce(agreement.ended_at, agreement.period_ends_at) as date) as end_date,
    agreement.started_at,
    agreement.ended_at,
    coalesce(agreement.changed_at, agreement.created_at) as updated_at
from subscriptions as agreement
left join items as item on agreement.connection = item.connection and agreement.subscription_id = item.subscription_id
left join {{ ref('currency') }} as currency on currency.system = 'stripe' and agreement.currency = currency.currency
left join {{ ref('crosswalk') }} as link on agreement.connection = link.connection and agreement.customer_id = link.record_id
