{%- set policy = contract()['order'] -%}
with units as (
    {{ minor_units() }}
),

line_counts as (
    select order_key, count(*) as line_count from {{ ref('sales_order_line') }} group by order_key
),

invoiced as (
    select erp_order_id, customer_id, role, {{ money('sum(total_amount)') }} as amount, min(invoice_id) as invoice_id
    from {{ ref('invoice') }}
    where erp_order_id is not null and customer_id is not null and coalesce(status, '') not in ('void', 'draft')
    group by erp_order_id, customer_id, role
),

shipped as (
    select connection, order_id, min(shipped_at) as first_shipped_at
    from {{ ref('shipment') }}
    where shipped_at is not null and coalesce(status, '') <> 'cancelled'
    group by connection, order_id
),

billed_customers as (
    select distinct customer_id from {{ ref('crosswalk') }} where role = 'billing'
),

crm_connections as (
    select min(connection) as connection from {{ ref('crosswalk') }} where role = 'crm'
),

deals as (
    select
        opportunity.*,
        {{ midnight('coalesce(opportunity.close_date, cast(opportunity.updated_at as date))') }} as closed_at,
        coalesce(opportunity.is_won, false) as is_sold
    from {{ ref('opportunity') }} as opportunity
),

orders as (
    select
        sale.*,
        {{ money('sale.total_amount - coalesce(sale.tax_amount, 0)') }} as net_amount,
        coalesce(line_counts.line_count, 1) as line_count,
        coalesce(sale.status in ('cancelled', 'draft'), false) as is_dead
    from {{ ref('sales_order') }} as sale
    left join line_counts on sale.order_key = line_counts.order_key
),

by_deal as (
    select deals.opportunity_key, orders.order_key, 1 as pass, 'deal names order' as method
    from deals
    inner join orders on deals.erp_order_id = orders.order_id and {{ same_customer('deals', 'orders') }}
),

by_order as (
    select deals.opportunity_key, orders.order_key, 2 as pass, 'order names deal' as method
    from orders
    inner join deals on orders.opportunity_id = deals.opportunity_id and {{ same_customer('deals', 'orders') }}
    left join by_deal on deals.opportunity_key = by_deal.opportunity_key and orders.order_key = by_deal.order_key
    where by_deal.order_key is null
),

referred as (
    select * from by_deal
    union all
    select * from by_order
),

-- won deals and orders that name nothing: same customer and currency, an amount within the tolerance, the nearest day;
-- a CRM that knows one currency alone tells none
lone_deals as (
    select deals.*
    from deals
    left join referred on deals.opportunity_key = referred.opportunity_key
    where referred.order_key is null and deals.is_sold and deals.erp_order_id is null and deals.customer_id is not null and deals.amount > 0
),

lone_orders as (
    select orders.*
    from orders
    left join referred on orders.order_key = referred.order_key
    where referred.order_key is null and orders.opportunity_id is null and orders.customer_id is not null and not orders.is_dead
),

candidates as (
    select
        lone_deals.opportunity_key,
        lone_orders.order_key,
        count(*) over (partition by lone_deals.opportunity_key) as deal_candidates,
        count(*) over (partition by lone_orders.order_key) as order_candidates,
        abs({{ days_between('lone_orders.order_date', 'lone_deals.close_date') }}) as gap,
        lone_orders.created_at as ordered_at,
        lone_deals.created_at as offered_at
    from lone_deals
    inner join lone_orders on lone_deals.customer_id = lone_orders.customer_id
        and (lone_deals.currency = lone_orders.currency or lone_deals.currency is null)
    left join units on lone_orders.currency = units.currency
    where abs({{ days_between('lone_orders.order_date', 'lone_deals.close_date') }}) <= {{ policy['window_days'] }}
        and least(abs(lone_deals.amount - lone_orders.net_amount), abs(lone_deals.amount - lone_orders.total_amount))
            <= {{ allowed_difference('lone_deals.amount', 'units.minor_size', 'lone_orders.line_count * ' ~ policy['tolerance_minor_per_line'], policy['tolerance_share']) }}
),

{{ nearest_pairs('nearest', 'candidates', 'opportunity_key', 'order_key', 'gap, ordered_at, candidate.order_key', 'gap, offered_at, candidate.opportunity_key') }}

links as (
    select opportunity_key, order_key, pass, method, {{ policy['confidence_id'] }} as confidence from referred
    union all
    select
        nearest.opportunity_key, nearest.order_key, 3 as pass, 'customer, amount, date' as method,
        case when candidates.deal_candidates = 1 and candidates.order_candidates = 1
            then {{ policy['confidence_content'] }} else {{ policy['confidence_ambiguous'] }} end as confidence
    from nearest
    inner join candidates on nearest.opportunity_key = candidates.opportunity_key and nearest.order_key = candidates.order_key
),

-- a deal that is sold as a subscription has no order: billing's agreement stands in for it
subscribed as (
    select lone_deals.opportunity_key, min(agreement.connection) as connection, min(agreement.subscription_id) as subscription_id
    from lone_deals
    inner join {{ ref('subscription') }} as agreement
        on lone_deals.customer_id = agreement.customer_id and lone_deals.amount = agreement.period_amount
        and (lone_deals.currency = agreement.currency or lone_deals.currency is null)
    left join links on lone_deals.opportunity_key = links.opportunity_key
    where links.order_key is null
        and abs({{ days_between('agreement.start_date', 'lone_deals.close_date') }}) <= {{ policy['window_days'] }}
    group by lone_deals.opportunity_key
),

-- several live orders of one deal, or several won deals in one order, are right where their sums are
measured as (
    select
        links.*,
        orders.is_dead,
        row_number() over (
            partition by links.opportunity_key order by orders.is_dead, links.pass, orders.created_at, length(orders.order_id), orders.order_key
        ) as place,
        sum(case when orders.is_dead then 0 else 1 end) over (partition by links.opportunity_key) as live_orders,
        sum(case when orders.is_dead then 0 else orders.net_amount end) over (partition by links.opportunity_key) as orders_net,
        sum(case when orders.is_dead then 0 else orders.total_amount end) over (partition by links.opportunity_key) as orders_total,
        sum(case when deals.is_sold then deals.amount else 0 end) over (partition by links.order_key) as deals_amount,
        sum(case when deals.is_sold then 1 else 0 end) over (partition by links.order_key) as sold_deals
    from links
    inner join deals on links.opportunity_key = deals.opportunity_key
    inner join orders on links.order_key = orders.order_key
),

documents as (
    select
        coalesce(deals.opportunity_key || coalesce(' / ' || orders.order_key, ''), orders.order_key) as pair_key,
        coalesce(orders.customer_id, deals.customer_id) as customer_id,
        coalesce('order:' || coalesce(orders.order_id, deals.erp_order_id), 'opportunity:' || deals.opportunity_id) as correlation_id,
        coalesce(deals.connection, crm_connections.connection) as deal_connection,
        deals.opportunity_id as deal_id,
        deals.stage as deal_stage,
        deals.is_sold as is_won,
        deals.erp_order_id as named_order_id,
        coalesce(orders.connection, customer.owner_connection) as order_connection,
        orders.order_id,
        orders.opportunity_id as named_deal_id,
        orders.number as order_number,
        orders.status as order_status,
        orders.status_raw as order_status_raw,
        coalesce(measured.method, case when subscribed.subscription_id is not null then 'customer, amount, date of a subscription' end) as method,
        cast(case when subscribed.subscription_id is not null then {{ policy['confidence_content'] }} else measured.confidence end as decimal(5, 4)) as confidence,
        coalesce(measured.place, 1) as place,
        coalesce(measured.live_orders, 0) as live_orders,
        coalesce(measured.sold_deals, 0) as sold_deals,
        subscribed.subscription_id,
        deals.amount as deal_amount,
        deals.currency as deal_currency,
        orders.net_amount as order_net_amount,
        orders.total_amount as order_total_amount,
        orders.currency as order_currency,
        least(abs(deals.amount - orders.net_amount), abs(deals.amount - orders.total_amount)) as own_difference,
        case
            when measured.sold_deals > 1 and measured.live_orders = 1
                then least(abs(measured.deals_amount - orders.net_amount), abs(measured.deals_amount - orders.total_amount))
            else least(abs(deals.amount - measured.orders_net), abs(deals.amount - measured.orders_total))
        end as sum_difference,
        {{ allowed_difference('deals.amount', 'units.minor_size', 'coalesce(orders.line_count, 1) * ' ~ policy['tolerance_minor_per_line'], policy['tolerance_share']) }} as tolerance,
        coalesce(billing.amount, ledger.amount) as invoiced_amount,
        coalesce(billing.invoice_id, ledger.invoice_id) as invoice_id,
        billed_customers.customer_id is not null as is_billed_customer,
        coalesce(customer.is_on_hold, false) as is_on_hold,
        greatest(customer.updated_at, orders.created_at) as held_since,
        shipped.first_shipped_at,
        deals.close_date,
        deals.closed_at,
        orders.order_date,
        deals.updated_at as deal_updated_at,
        orders.created_at as order_created_at,
        orders.updated_at as order_updated_at
    from measured
    full outer join deals on measured.opportunity_key = deals.opportunity_key
    full outer join orders on measured.order_key = orders.order_key
    cross join crm_connections
    left join subscribed on deals.opportunity_key = subscribed.opportunity_key
    left join units on coalesce(deals.currency, orders.currency) = units.currency
    left join {{ ref('customer') }} as customer on coalesce(orders.customer_id, deals.customer_id) = customer.customer_id
    left join invoiced as billing on orders.order_id = billing.erp_order_id and orders.customer_id = billing.customer_id and billing.role = 'billing'
    left join invoiced as ledger on orders.order_id = ledger.erp_order_id and orders.customer_id = ledger.customer_id and ledger.role = 'erp'
    left join shipped on orders.connection = shipped.connection and orders.order_id = shipped.order_id
    left join billed_customers on coalesce(orders.customer_id, deals.customer_id) = billed_customers.customer_id
    -- a deal that is not won and names no order is none of this table's business
    where orders.order_key is not null or deals.is_sold or deals.erp_order_id is not null
),

dated as (
    select
        *,
        -- only the day of closing is kept: at the latest its end, at the earliest the newest change
        least(deal_updated_at, {{ dbt.dateadd('day', 1, 'closed_at') }}) as sold_at,
        {{ age_seconds(as_of(), 'order_created_at') }} as order_age,
        {{ age_seconds(as_of(), 'order_updated_at') }} as order_rest,
        {{ age_seconds(as_of(), 'held_since') }} as hold_age
    from documents
),

classified as (
    select
        *,
        case
            when order_id is null and not is_won then 'not_expected'
            when order_id is null and subscription_id is not null then 'matched'
            when order_id is null and coalesce(deal_amount, 0) = 0 then 'not_expected'
            when order_id is null and customer_id is null then 'customer_unknown'
            when order_id is null and not {{ is_older('sold_at', policy['booking_grace_seconds']) }} then 'timing'
            when order_id is null then 'missing_in_erp'
            when deal_id is null and order_status in ('cancelled', 'draft') then 'not_expected'
            when deal_id is null and named_deal_id is not null and deal_connection is null then 'not_expected'
            when deal_id is null and named_deal_id is not null and order_age <= {{ policy['booking_grace_seconds'] }} then 'timing'
            when deal_id is null and named_deal_id is not null then 'missing_in_crm'
            when deal_id is not null and order_status in ('cancelled', 'draft') and (live_orders > 0 or not is_won) then 'not_expected'
            when order_status = 'draft' and order_age <= {{ policy['approval_grace_seconds'] }} then 'timing'
            when order_status = 'draft' then 'blocked'
            when order_status = 'cancelled' then 'cancelled'
            when deal_id is not null and not is_won and sold_deals > 0 then 'not_expected'
            when deal_id is not null and not is_won and order_age <= {{ policy['booking_grace_seconds'] }} then 'timing'
            when deal_id is not null and not is_won then 'early'
            when deal_id is not null and deal_currency <> order_currency then 'currency'
            when deal_id is not null and place > 1 and sum_difference > tolerance then 'duplicate'
            when deal_id is not null and least(own_difference, sum_difference) > tolerance then 'amount'
            -- the days of a pair that nobody names are too uncertain to say so
            when deal_id is not null and method <> 'customer, amount, date' and {{ days_between('close_date', 'order_date') }} > {{ policy['early_days'] }} then 'early'
            when order_status = 'pending_approval' and first_shipped_at is not null then 'early'
            when order_status = 'pending_approval' and order_age > {{ policy['approval_grace_seconds'] }} then 'blocked'
            when order_status in ('pending_approval', 'pending_fulfillment', 'partially_fulfilled') and is_on_hold
                and hold_age > {{ contract()['customer']['hold_grace_seconds'] }} then 'blocked'
            when order_status in ('billed', 'pending_billing') and is_billed_customer and invoice_id is null
                and order_rest > {{ policy['billing_grace_seconds'] }} then 'unbilled'
            when deal_id is null then 'not_expected'
            else 'matched'
        end as class
    from dated
)

select
    pair_key,
    customer_id,
    correlation_id,
    deal_connection,
    deal_id,
    deal_stage,
    is_won,
    order_connection,
    order_id,
    order_number,
    order_status,
    method,
    confidence,
    place,
    subscription_id,
    invoice_id,
    deal_amount,
    order_net_amount,
    order_total_amount,
    invoiced_amount,
    coalesce(order_currency, deal_currency) as currency,
    deal_currency,
    {{ money('least(own_difference, sum_difference)') }} as difference,
    tolerance,
    close_date,
    order_date,
    first_shipped_at,
    is_on_hold,
    case class
        when 'missing_in_erp' then sold_at
        when 'blocked' then case when is_on_hold and order_status not in ('pending_approval', 'draft') then held_since else order_created_at end
        when 'unbilled' then order_updated_at
        when 'cancelled' then order_updated_at
        when 'amount' then greatest(order_created_at, sold_at)
        else coalesce(order_created_at, sold_at)
    end as since,
    class,
    case
        when class = 'customer_unknown' then 'the deal''s account is no known customer'
        when class = 'timing' then 'within the grace'
        when class = 'missing_in_erp' and named_order_id is not null then 'names order ' || named_order_id || ', which the ERP does not have'
        when class = 'missing_in_erp' then 'no order names it, and none has its customer, amount and date'
        when class = 'missing_in_crm' then 'names deal ' || named_deal_id || ', which the CRM does not have'
        when class = 'early' and not is_won then 'ordered although the deal is ' || coalesce(deal_stage, 'of an unknown stage')
        when class = 'early' and order_status = 'pending_approval' then 'shipped before it was approved'
        when class = 'early' then 'ordered before the deal was won'
        when class = 'blocked' and order_status = 'pending_approval' then 'waits for approval'
        when class = 'blocked' and order_status = 'draft' then 'is still a draft, and the only order of a won deal'
        when class = 'blocked' then 'the customer is on credit hold'
        when class = 'unbilled' then 'delivered, and no invoice names it'
        when class = 'cancelled' then 'the only order of a won deal is cancelled'
        when class = 'not_expected' and order_id is null and not is_won then 'the deal is not won'
        when class = 'not_expected' and order_id is null then 'the deal has no amount'
        when class = 'not_expected' and deal_id is null and order_status in ('cancelled', 'draft') then 'the order is ' || order_status
        when class = 'not_expected' and deal_id is null and named_deal_id is not null then 'no CRM is connected'
        when class = 'not_expected' and deal_id is null then 'sold without a deal'
        when class = 'not_expected' and not is_won then 'another deal of this order is won'
        when class = 'not_expected' then 'another order of this deal lives'
        when class = 'matched' and order_id is null then 'fulfilled by a subscription'
        when class = 'matched' and own_difference > tolerance then 'the sums agree'
    end as reason
from classified
