select
    'D15' as drift_id, pair.class, 'customer' as entity,
    case when pair.class = 'missing' then 'error' else 'warn' end as severity, 'crm' as owner_role, pair.customer_id,
    coalesce('customer:' || pair.customer_id, 'record:' || pair.right_connection || ':' || pair.right_id) as correlation_id,
    pair.left_connection, 'customer' as left_entity, pair.left_id, pair.right_connection, 'customer' as right_entity, pair.right_id,
    pair.field, pair.left_value, pair.right_value, customer.balance as exposure, customer.currency, pair.since,
    case when pair.class = 'duplicate' then pair.right_connection || ' holds this customer twice (matched by ' || pair.detail || ')' else pair.detail end as detail
from {{ ref('reconciled_customer') }} as pair
left join {{ ref('customer') }} as customer on pair.customer_id = customer.customer_id
where pair.class = 'duplicate'
    or (pair.class in ('missing', 'orphan')
        and {{ age_seconds(as_of(), 'pair.since') }} > {{ contract()['customer']['identity_grace_seconds'] }})
