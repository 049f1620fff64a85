{{ config(materialized='view') }}
select
    'customer' as domain,
    pair.class || ' ' || pair.field || ' ' || coalesce(pair.left_connection || ':' || pair.left_id, '') || ' / '
        || coalesce(pair.right_connection || ':' || pair.right_id, pair.right_connection) as exception_key,
    case when pair.class = 'field_mismatch' then pair.field || '_mismatch' else pair.class end as class,
    case when pair.class in ('missing', 'orphan') or (pair.class = 'field_mismatch' and pair.field in ('tax_id', 'currency')) then 'error' else 'warn' end as severity,
    {{ team_of_role('pair.role') }} as owner_role,
    pair.customer_id,
    coalesce('customer:' || pair.customer_id, 'record:' || pair.right_connection || ':' || pair.right_id) as correlation_id,
    pair.left_connection,
    pair.left_id,
    pair.right_connection,
    pair.right_id,
    pair.left_value,
    pair.right_value,
    {{ money('customer.balance') }} as exposure,
    customer.currency,
    pair.since,
    case when pair.class = 'duplicate' then pair.right_connection || ' holds this customer twice (matched by ' || pair.detail || ')' else pair.detail end as detail
from {{ ref('reconciled_customer') }} as pair
left join {{ ref('customer') }} as customer on pair.customer_id = customer.customer_id
where pair.class in ('duplicate', 'field_mismatch')
    or (pair.class in ('missing', 'orphan')
        and {{ is_older('pair.since', contract()['customer']['identity_grace_seconds']) }})
