with agreements as (
    {{ conformed('subscription') }}
),

parts as (
    {{ conformed('subscription_item') }}
),

items as (
    select
        part.connection,
        part.subscription_id,
        max(case product.tier when 'premium' then 3 when 'standard' then 2 when 'basic' then 1 end) as tier_rank,
        {{ money('sum(part.amount)') }} as period_amount
    from parts as part
    left join {{ ref('product') }} as product on part.connection = product.connection and part.product_id = product.product_id
    group by part.connection, part.subscription_id
),

decoded as (
    select *, {{ decoded('subscription', 'status', 'system', 'status_raw') }} as status
    from agreements
)

select
    document.connection || ':' || document.subscription_id as subscription_key,
    document.connection,
    document.subscription_id,
    link.customer_id,
    {{ legal_entity_of('null', 'document.connection') }} as company_id,
    {{ region_of_connection('document.connection') }} as region,
    document.customer_record_id as billing_customer_id,
    document.contract_id,
    document.status,
    document.status_raw,
    document.status in ({{ quoted(contract()['subscription']['active_statuses']) }}) as is_active,
    case item.tier_rank when 3 then 'premium' when 2 then 'standard' when 1 then 'basic' end as tier,
    document.currency,
    item.period_amount,
    document.period_months,
    cast(document.started_at as date) as start_date,
    cast(coalesce(document.ended_at, document.period_ends_at) as date) as end_date,
    document.started_at,
    document.ended_at,
    document.updated_at
from decoded as document
left join items as item on document.connection = item.connection and document.subscription_id = item.subscription_id
left join {{ ref('crosswalk') }} as link on document.connection = link.connection and document.customer_record_id = link.record_id
