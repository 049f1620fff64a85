{%- set policy = contract()['shipment'] -%}
with orders as (
    select * from {{ ref('sales_order') }}
),

deliveries as (
    select
        shipment.*,
        row_number() over (
            partition by shipment.connection, shipment.order_id
            order by coalesce(shipment.shipped_at, {{ midnight('shipment.planned_date') }}) desc, shipment.shipment_key desc
        ) as place_from_last,
        sum(case when coalesce(shipment.status, '') in ('planned', 'picked') then 1 else 0 end) over (
            partition by shipment.connection, shipment.order_id) as still_to_leave
    from {{ ref('shipment') }} as shipment
),

-- what was said to the customer about an order: a public comment of ours, or a case that names it
talks as (
    select sale.order_key, document.connection, document.case_id, document.case_key, document.created_at as said_at
    from {{ ref('support_case') }} as document
    inner join orders as sale on document.order_number = sale.number and document.customer_id = sale.customer_id
    union all
    select sale.order_key, document.connection, document.case_id, document.case_key, remark.created_at as said_at
    from {{ ref('support_case') }} as document
    inner join orders as sale on document.order_number = sale.number and document.customer_id = sale.customer_id
    inner join {{ ref('case_comment') }} as remark on document.case_key = remark.case_key
    where remark.is_public and coalesce(remark.is_from_agent, true)
),

shipments as (
    select
        delivery.shipment_key as pair_key,
        coalesce(delivery.customer_id, sale.customer_id) as customer_id,
        coalesce('order:' || delivery.order_id, 'shipment:' || delivery.shipment_id) as correlation_id,
        delivery.connection as order_connection,
        delivery.order_id,
        sale.order_key,
        sale.number as order_number,
        sale.status as order_status,
        sale.total_amount as order_amount,
        sale.currency,
        delivery.shipment_id,
        delivery.number as shipment_number,
        delivery.status as shipment_status,
        delivery.planned_date,
        delivery.shipped_at,
        delivery.delivered_at,
        delivery.place_from_last,
        delivery.still_to_leave,
        {{ dbt.dateadd('second', policy['delay_grace_seconds'], midnight('delivery.planned_date')) }} as due_at,
        coalesce(delivery.shipped_at is not null or delivery.status in ('shipped', 'delivered', 'partially_shipped'), false) as has_left
    from deliveries as delivery
    left join orders as sale on delivery.connection = sale.connection and delivery.order_id = sale.order_id

    union all

    -- released, and nothing was ever made ready
    select
        sale.order_key as pair_key,
        sale.customer_id,
        'order:' || sale.order_id as correlation_id,
        sale.connection as order_connection,
        sale.order_id,
        sale.order_key,
        sale.number as order_number,
        sale.status as order_status,
        sale.total_amount as order_amount,
        sale.currency,
        cast(null as {{ sql_type('string') }}) as shipment_id,
        cast(null as {{ sql_type('string') }}) as shipment_number,
        cast(null as {{ sql_type('string') }}) as shipment_status,
        cast(null as {{ sql_type('date') }}) as planned_date,
        cast(null as {{ sql_type('timestamp') }}) as shipped_at,
        cast(null as {{ sql_type('timestamp') }}) as delivered_at,
        1 as place_from_last,
        0 as still_to_leave,
        {{ dbt.dateadd('second', policy['fulfilment_grace_seconds'], 'sale.created_at') }} as due_at,
        false as has_left
    from orders as sale
    left join deliveries as delivery on sale.connection = delivery.connection and sale.order_id = delivery.order_id
    where sale.status = 'pending_fulfillment' and delivery.shipment_key is null
),

told as (
    select shipments.pair_key, min(talks.said_at) as notified_at, min_by(talks.connection, (talks.said_at, talks.case_key)) as case_connection,
        min_by(talks.case_id, (talks.said_at, talks.case_key)) as case_id
    from shipments
    inner join talks on shipments.order_key = talks.order_key and talks.said_at >= {{ midnight('shipments.planned_date') }}
    group by shipments.pair_key
),

-- since when the ERP holds a customer now; where its history tells nothing, since its newest commit at the latest
holds as (
    select customer.customer_id, coalesce(max(span.valid_from), max(customer.updated_at)) as held_since
    from {{ ref('customer') }} as customer
    left join {{ ref('customer_hold_history') }} as span
        on customer.customer_id = span.customer_id and span.is_on_hold and span.valid_to is null
    where customer.is_on_hold
    group by customer.customer_id
),

classified as (
    select
        shipments.*,
        told.case_connection,
        told.case_id,
        told.notified_at,
        holds.customer_id is not null as is_on_hold,
        case
            when shipments.shipment_id is not null and shipments.shipment_status is null then 'unknown'
            when shipments.shipment_status = 'cancelled' then 'not_expected'
            when shipments.shipment_id is not null and shipments.order_key is null then 'not_expected'
            when not shipments.has_left and shipments.order_status in ('cancelled', 'closed') then 'not_expected'
            when shipments.has_left and shipments.shipped_at > holds.held_since then 'shipped_while_on_hold'
            when not shipments.has_left and {{ as_of() }} <= coalesce(shipments.due_at, {{ as_of() }}) then 'timing'
            when not shipments.has_left and told.notified_at is not null then 'delayed_notified'
            when not shipments.has_left then 'delayed'
            when shipments.order_status in ('partially_fulfilled', 'pending_billing_partially_fulfilled') and shipments.place_from_last = 1
                and shipments.still_to_leave = 0 and {{ is_older('shipments.shipped_at', policy['partial_grace_seconds']) }} then 'partial'
            else 'matched'
        end as class
    from shipments
    left join told on shipments.pair_key = told.pair_key
    left join holds on shipments.customer_id = holds.customer_id
)

select
    pair_key,
    customer_id,
    correlation_id,
    order_connection,
    order_id,
    order_number,
    order_status,
    shipment_id,
    shipment_number,
    shipment_status,
    case_connection,
    case_id,
    cast(case when order_key is not null and shipment_id is not null then 'id' end as {{ sql_type('string') }}) as method,
    cast(case when order_key is not null and shipment_id is not null then 1 end as decimal(5, 4)) as confidence,
    order_amount,
    currency,
    planned_date,
    shipped_at,
    delivered_at,
    notified_at,
    is_on_hold,
    case when class in ('delayed', 'delayed_notified') then due_at else coalesce(shipped_at, due_at) end as since,
    class,
    case
        when class = 'unknown' then 'its status is unknown'
        when class = 'not_expected' and shipment_status = 'cancelled' then 'cancelled'
        when class = 'not_expected' and order_key is null then 'names no order that the ERP has'
        when class = 'not_expected' then 'the order is ' || order_status
        when class = 'timing' then 'not due yet'
        when class = 'delayed_notified' then 'late, and the customer was told'
        when class = 'delayed' and shipment_id is null then 'released, and no shipment was made ready'
        when class = 'delayed' then 'was to leave on ' || cast(planned_date as {{ sql_type('string') }}) || ', and nobody told the customer'
        when class = 'partial' then 'the rest of the order stays behind'
        when class = 'shipped_while_on_hold' then 'left although the customer is on credit hold'
    end as reason
from classified
