-- how much of what two systems keep agrees. What is not expected on the other side, or still within its grace, is not judged.
with {{ level_days() }},

invoices as (
    select
        'invoice' as domain,
        pair.class,
        pair.invoice_date as day,
        pair.company_id,
        pair.region,
        coalesce(pair.billing_connection, '') || '>' || coalesce(pair.ledger_connection, '') as system_pair,
        {{ in_reporting_currency('pair.billing_amount', 'pair.billing_currency') }} as left_amount,
        {{ in_reporting_currency('pair.ledger_amount', 'pair.ledger_currency', 'ledger_rate') }} as right_amount
    from {{ ref('reconciled_invoice') }} as pair
    {{ reporting_joins('pair.billing_currency', 'pair.invoice_date') }}
    {{ rate_join('pair.ledger_currency', 'pair.invoice_date', 'ledger_rate') }}
),

orders as (
    select
        'order' as domain,
        pair.class,
        coalesce(pair.close_date, pair.order_date) as day,
        {{ legal_entity_of('sale.company_id', 'pair.order_connection') }} as company_id,
        coalesce({{ region_of_connection('pair.order_connection') }}, {{ region_of_connection('pair.deal_connection') }}) as region,
        coalesce(pair.deal_connection, '') || '>' || coalesce(pair.order_connection, '') as system_pair,
        -- a further order of a deal is told by what it is worth itself
        case when pair.place = 1 then {{ in_reporting_currency('pair.deal_amount', 'pair.deal_currency', 'deal_rate') }} end as left_amount,
        {{ in_reporting_currency('pair.order_net_amount', 'pair.currency') }} as right_amount
    from {{ ref('reconciled_order') }} as pair
    left join {{ ref('sales_order') }} as sale on pair.order_connection || ':' || pair.order_id = sale.order_key
    {{ reporting_joins('pair.currency', 'coalesce(pair.close_date, pair.order_date)') }}
    {{ rate_join('pair.deal_currency', 'coalesce(pair.close_date, pair.order_date)', 'deal_rate') }}
    -- several orders that make up one deal are one agreement
    where pair.place = 1 or pair.class <> 'matched'
),

credits as (
    select
        'credit' as domain,
        pair.class,
        cast(coalesce(pair.billed_at, pair.booked_at, pair.case_created_at) as date) as day,
        pair.company_id,
        {{ region_of_connection('coalesce(pair.billing_connection, pair.ledger_connection)') }} as region,
        coalesce(pair.billing_connection, pair.case_connection, '') || '>' || coalesce(pair.ledger_connection, '') as system_pair,
        {{ in_reporting_currency('pair.billing_amount', 'coalesce(pair.billing_currency, pair.ledger_currency)') }} as left_amount,
        {{ in_reporting_currency('pair.booked_amount', 'coalesce(pair.billing_currency, pair.ledger_currency)') }} as right_amount
    from {{ ref('reconciled_credit') }} as pair
    {{ reporting_joins('coalesce(pair.billing_currency, pair.ledger_currency)', 'coalesce(pair.billed_at, pair.booked_at, pair.case_created_at)') }}
    -- several bookings that make up one credit are one agreement; a booking too many is one more
    where pair.place = 1 or pair.class = 'duplicate'
),

payments as (
    select
        'payment' as domain,
        pair.class,
        cast(pair.since as date) as day,
        pair.company_id,
        pair.region,
        coalesce(pair.billing_connection, '') || '>' || coalesce(pair.ledger_connection, '') as system_pair,
        {{ in_reporting_currency('pair.billing_amount', 'coalesce(pair.billing_currency, pair.ledger_currency)') }} as left_amount,
        {{ in_reporting_currency('pair.ledger_amount', 'coalesce(pair.billing_currency, pair.ledger_currency)') }} as right_amount
    from {{ ref('reconciled_payment') }} as pair
    {{ reporting_joins('coalesce(pair.billing_currency, pair.ledger_currency)', 'pair.since') }}
),

pairs as (
    select domain, class, day, company_id, region, system_pair, left_amount, right_amount from invoices
    union all
    select domain, class, day, company_id, region, system_pair, left_amount, right_amount from payments
    union all
    select domain, class, day, company_id, region, system_pair, left_amount, right_amount from orders
    union all
    select domain, class, day, company_id, region, system_pair, left_amount, right_amount from credits
),

judged as (
    select *, class = 'matched' as is_matched, abs(coalesce(left_amount, right_amount)) as amount
    from pairs
    where class not in ('not_expected', 'timing') and day is not null
),

-- of today the findings themselves, of the days before what the ledger of exceptions remembers of them
found as (
    select
        finding.finding_id as exception_id, 'invoice' as domain, finding.left_connection, finding.left_id, finding.right_connection, finding.right_id,
        {{ in_reporting_currency('finding.exposure', 'finding.currency') }} as amount, clock.last_day as day
    from {{ ref('drift') }} as finding
    cross join clock
    {{ reporting_joins('finding.currency', 'clock.as_of') }}
    where finding.drift_id = 'D4'
    union all
    select
        exception.exception_id, exception.domain, exception.left_connection, exception.left_id, exception.right_connection, exception.right_id,
        {{ in_reporting_currency('exception.exposure', 'exception.currency') }} as amount, days.day
    from {{ ref('stg_exceptions') }} as exception
    inner join (
        select exception_id, to_state, happened_at, lead(happened_at) over (partition by exception_id order by event_id) as next_at
        from {{ ref('stg_exception_events') }}
    ) as step on exception.exception_id = step.exception_id
    inner join days on step.happened_at < days.ends_at and (step.next_at is null or step.next_at >= days.ends_at)
    {{ reporting_joins('exception.currency', 'days.day') }}
    where exception.source = 'drift' and exception.domain = 'invoice' and step.to_state <> 'closed' and not days.is_last
),

named as (
    {{ named_companies('found') }}
),

-- either side may be the ERP's: what it alone has stands on the left
mismatches as (
    select
        found.day,
        found.amount,
        coalesce(named.company_id, {{ legal_entity_of_connection('found.left_connection') }}, {{ legal_entity_of_connection('found.right_connection') }}) as company_id,
        coalesce({{ region_of_connection('found.left_connection') }}, {{ region_of_connection('found.right_connection') }}) as region,
        coalesce(found.left_connection, '') || coalesce('>' || found.right_connection, '') as system_pair
    from found
    left join named on found.exception_id = named.exception_id
),

-- writes of balances and dues that were given up
failed_pushes as (
    select
        days.day,
        {{ legal_entity_of_connection('customer.owner_connection') }} as company_id,
        {{ region_of_connection('delivery.connection') }} as region,
        coalesce(customer.owner_connection, '') || '>' || delivery.connection as system_pair
    from {{ ref('stg_deliveries') }} as delivery
    inner join days on delivery.updated_at < days.ends_at
    left join {{ ref('customer') }} as customer on delivery.customer_id = customer.customer_id
    where delivery.state = 'dead_letter' and delivery.priority = 3
)

select {{ observed('reconciliation_count', 'day', 'sum(case when is_matched then 1 else 0 end)', 'count(*)', 'count(*)', 'company_id', 'region', 'system_pair', 'domain') }}
from judged
group by day, company_id, region, system_pair, domain
union all
select {{ observed('reconciliation_value', 'day', 'sum(case when is_matched then amount else 0 end)', 'sum(amount)', 'count(*)', 'company_id', 'region', 'system_pair', 'domain') }}
from judged
where amount is not null
group by day, company_id, region, system_pair, domain
union all
select {{ observed('reporting_difference', 'day', 'sum(abs(coalesce(left_amount, 0) - coalesce(right_amount, 0)))',
    'sum(greatest(abs(coalesce(left_amount, 0)), abs(coalesce(right_amount, 0))))', 'count(*)', 'company_id', 'region', 'system_pair', "'invoiced'") }}
from judged
where domain = 'invoice' and coalesce(left_amount, right_amount) is not null and class <> 'customer_unknown'
group by day, company_id, region, system_pair
union all
select {{ observed('invoice_update_failure_count', 'day', 'count(*)', 'count(*)', 'count(*)', 'company_id', 'region', 'system_pair', "'mismatch'") }}
from mismatches
group by day, company_id, region, system_pair
union all
select {{ observed('invoice_update_failure_count', 'day', 'count(*)', 'count(*)', 'count(*)', 'company_id', 'region', 'system_pair', "'failed push'") }}
from failed_pushes
group by day, company_id, region, system_pair
union all
select {{ observed('invoice_update_failure_amount', 'day', 'sum(abs(amount))', 'count(*)', 'count(amount)', 'company_id', 'region', 'system_pair', "'mismatch'") }}
from mismatches
where amount is not null
group by day, company_id, region, system_pair
union all
-- a booking too many is an effect too many
select {{ observed('duplicate_effects', 'day', "sum(case when class = 'duplicate' then 1 else 0 end)", 'count(*)', 'count(*)', 'company_id', 'region', 'system_pair', 'domain') }}
from pairs
where domain in ('invoice', 'payment', 'credit') and day is not null
group by day, company_id, region, system_pair, domain
