with approved_meanwhile as (
    select pair.customer_id, count(*) as orders
    from (select distinct customer_id, since from {{ ref('reconciled_credit_status') }} where owner_status = 'hold' and class in ('not_propagated', 'contradicted')) as pair
    inner join {{ ref('sales_order') }} as sale
        on pair.customer_id = sale.customer_id and sale.created_at > pair.since and sale.status not in ('pending_approval', 'cancelled')
    group by pair.customer_id
)

select
    'D2' as drift_id, pair.class, 'customer' as entity,
    case when approved.orders is not null then 'critical' else 'error' end as severity, 'erp' as owner_role, pair.customer_id,
    'customer:' || pair.customer_id as correlation_id,
    pair.owner_connection as left_connection, 'customer' as left_entity, pair.owner_record_id as left_id,
    pair.observer_connection as right_connection,
    case pair.observer_role when 'crm' then 'account' else 'organization' end as right_entity, pair.observer_record_id as right_id,
    'credit_status' as field, pair.owner_status as left_value, pair.observed_status as right_value,
    pair.exposure, pair.currency, pair.since,
    'the ERP says ' || pair.owner_status || ', ' || pair.observer_connection || ' shows ' || coalesce(pair.observed_status, 'nothing')
        || coalesce('; ' || cast(approved.orders as varchar) || ' orders went through meanwhile', '') as detail
from {{ ref('reconciled_credit_status') }} as pair
left join approved_meanwhile as approved on pair.customer_id = approved.customer_id
where pair.class in ('not_propagated', 'not_released', 'contradicted')
    and {{ is_older('pair.since', contract()['customer']['hold_grace_seconds']) }}
