-- a record that went from one golden customer to another without a steward's word; customers that became one or fell apart, told once
with moves as (
    select
        change.*,
        record.connection,
        record.record_id,
        record.name,
        row_number() over (
            partition by change.from_customer_id, change.to_customer_id, change.class
            order by case when change.role = 'erp' then 0 else 1 end, {{ seniority('record') }}
        ) as place,
        count(*) over (partition by change.from_customer_id, change.to_customer_id, change.class) as records
    from {{ ref('crosswalk_change') }} as change
    inner join {{ ref('customer_record') }} as record on change.record_key = record.record_key
    where not change.is_decided
)

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
        and {{ is_older('pair.since', contract()['customer']['identity_grace_seconds']) }})

union all

select
    'D15', move.class, 'customer', 'error', 'crm', move.to_customer_id,
    'customer:' || move.to_customer_id,
    customer.owner_connection, 'customer', customer.owner_record_id, move.connection, 'customer', move.record_id,
    'golden_id', move.from_customer_id, move.to_customer_id, customer.balance, customer.currency, move.since,
    case move.class
        when 'merged' then 'two customers became one: ' || cast(move.records as {{ sql_type('string') }}) || ' records went from ' || move.from_customer_id
        when 'split' then 'one customer became two: ' || cast(move.records as {{ sql_type('string') }}) || ' records left ' || move.from_customer_id
        else coalesce(move.name, move.record_id) || ' was linked to ' || move.from_customer_id || ' before'
    end || '; confirm with `concord identity accept ' || move.connection || ':' || move.record_id || ' ' || move.to_customer_id || '`'
from moves as move
left join {{ ref('customer') }} as customer on move.to_customer_id = customer.customer_id
where move.class = 'repointed' or move.place = 1
