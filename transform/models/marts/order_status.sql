-- one row an order of the ERP with everything that hangs on it; amounts of other documents count in the order's currency only
with deals as (
    select deal.*
    from {{ ref('opportunity') }} as deal
    where deal.erp_order_id is not null
    qualify row_number() over (partition by deal.erp_order_id, deal.customer_id order by case when deal.is_won then 0 else 1 end, deal.updated_at desc, deal.opportunity_key) = 1
),

shipments as (
    select
        connection,
        order_id,
        count(*) as shipment_count,
        sum(case when status = 'delivered' or delivered_at is not null then 1 else 0 end) as delivered_count,
        sum(case when status in ('shipped', 'partially_shipped', 'delivered') or shipped_at is not null then 1 else 0 end) as shipped_count,
        max(shipped_at) as shipped_at,
        max(delivered_at) as delivered_at
    from {{ ref('shipment') }}
    where coalesce(status, '') <> 'cancelled' and order_id is not null
    group by connection, order_id
),

invoices as (
    select
        erp_order_id,
        customer_id,
        currency,
        sum(case when role = 'billing' then 1 else 0 end) as billing_count,
        sum(case when role = 'billing' then total_amount end) as billed_amount,
        sum(case when role = 'billing' then paid_amount end) as billed_paid_amount,
        sum(case when role = 'billing' then open_amount end) as billed_open_amount,
        sum(case when role = 'erp' then 1 else 0 end) as ledger_count,
        sum(case when role = 'erp' then total_amount end) as booked_amount,
        sum(case when role = 'erp' then paid_amount end) as booked_paid_amount,
        sum(case when role = 'erp' then open_amount end) as booked_open_amount,
        sum(case when role = 'billing' then owing end) as billed_owing,
        sum(case when role = 'erp' then owing end) as booked_owing,
        max(case when role = 'billing' and owing > 0 and due_date < cast({{ as_of() }} as date) then 1 else 0 end) as billed_late,
        max(case when role = 'erp' and owing > 0 and due_date < cast({{ as_of() }} as date) then 1 else 0 end) as booked_late,
        min(invoice_date) as invoiced_on,
        max(due_date) as due_date
    -- where a system tells neither what is open nor what was paid, its status says whether anything is
    from (
        select *, coalesce(open_amount, case when status = 'paid' then 0 else total_amount - coalesce(paid_amount, 0) end) as owing
        from {{ ref('invoice') }}
    ) as document
    where erp_order_id is not null and coalesce(status, '') not in ('draft', 'void', 'rejected')
    group by erp_order_id, customer_id, currency
),

returns as (
    select connection, order_id, count(*) as return_count, max(received_at) as returned_at,
        sum(case when coalesce(status, '') in ('credited', 'closed', 'rejected') then 1 else 0 end) as settled_count,
        sum(case when coalesce(status, '') <> 'rejected' then amount end) as returned_amount
    from {{ ref('return_order') }}
    where order_id is not null
    group by connection, order_id
),

findings as (
    select correlation_id, count(*) as finding_count from {{ ref('drift') }} where correlation_id like 'order:%' group by correlation_id
),

orders as (
    select
        sale.*,
        deals.opportunity_key,
        deals.name as opportunity_name,
        deals.is_won as is_opportunity_won,
        deals.amount as opportunity_amount,
        coalesce(shipments.shipment_count, 0) as shipment_count,
        coalesce(shipments.shipped_count, 0) as shipped_count,
        coalesce(shipments.delivered_count, 0) as delivered_count,
        shipments.shipped_at,
        shipments.delivered_at,
        coalesce(nullif(invoices.billing_count, 0), invoices.ledger_count, 0) as invoice_count,
        -- billing's invoices where it has any, else the ERP's own
        case when invoices.billing_count > 0 then invoices.billed_amount else invoices.booked_amount end as invoiced_amount,
        case when invoices.billing_count > 0 then invoices.billed_paid_amount else invoices.booked_paid_amount end as paid_amount,
        case when invoices.billing_count > 0 then invoices.billed_open_amount else invoices.booked_open_amount end as open_amount,
        case when invoices.billing_count > 0 then invoices.billed_owing else invoices.booked_owing end as owing,
        case when invoices.billing_count > 0 then invoices.billed_late else invoices.booked_late end = 1 as is_late,
        invoices.invoiced_on,
        invoices.due_date,
        coalesce(returns.return_count, 0) as return_count,
        coalesce(returns.settled_count, 0) as settled_return_count,
        returns.returned_amount,
        returns.returned_at,
        coalesce(findings.finding_count, 0) as finding_count
    from {{ ref('sales_order') }} as sale
    left join deals on sale.order_id = deals.erp_order_id and (sale.customer_id = deals.customer_id or deals.customer_id is null)
    left join shipments on sale.connection = shipments.connection and sale.order_id = shipments.order_id
    left join invoices on sale.order_id = invoices.erp_order_id and sale.currency = invoices.currency
        and (sale.customer_id = invoices.customer_id or (sale.customer_id is null and invoices.customer_id is null))
    left join returns on sale.connection = returns.connection and sale.order_id = returns.order_id
    left join findings on 'order:' || sale.order_id = findings.correlation_id
    -- a deal of an unknown account and one of the customer's may both name the order
    qualify row_number() over (partition by sale.order_key order by deals.opportunity_key nulls last) = 1
)

select
    orders.order_key,
    orders.connection,
    orders.order_id,
    orders.number,
    'order:' || orders.order_id as correlation_id,
    orders.customer_id,
    customer.name as customer_name,
    orders.company_id,
    orders.region,
    orders.opportunity_key,
    orders.opportunity_name,
    orders.is_opportunity_won,
    orders.status,
    coalesce(customer.is_on_hold, false) as is_customer_on_hold,
    case
        when orders.shipment_count = 0 then 'none'
        when orders.delivered_count = orders.shipment_count then 'delivered'
        when orders.shipped_count = orders.shipment_count then 'shipped'
        when orders.shipped_count > 0 then 'partly shipped'
        else 'planned'
    end as shipment_state,
    case
        when orders.invoice_count = 0 then 'none'
        when orders.invoiced_amount < orders.total_amount then 'partly invoiced'
        else 'invoiced'
    end as invoice_state,
    case
        when orders.invoice_count = 0 then 'none'
        when coalesce(orders.owing, 0) <= 0 then 'paid'
        when coalesce(orders.paid_amount, 0) > 0 then 'partly paid'
        when orders.is_late then 'overdue'
        else 'open'
    end as payment_state,
    case
        when orders.return_count = 0 then 'none'
        when orders.settled_return_count = orders.return_count then 'settled'
        when orders.returned_at is not null then 'received'
        else 'open'
    end as return_state,
    orders.currency,
    orders.total_amount,
    orders.opportunity_amount,
    {{ money('orders.invoiced_amount') }} as invoiced_amount,
    {{ money('orders.paid_amount') }} as paid_amount,
    {{ money('orders.open_amount') }} as open_amount,
    {{ money('orders.returned_amount') }} as returned_amount,
    cast(orders.shipment_count as bigint) as shipment_count,
    cast(orders.invoice_count as bigint) as invoice_count,
    cast(orders.return_count as bigint) as return_count,
    orders.finding_count,
    orders.order_date,
    orders.due_date,
    orders.created_at,
    orders.shipped_at,
    orders.delivered_at,
    orders.returned_at,
    orders.updated_at
from orders
left join {{ ref('customer') }} as customer on orders.customer_id = customer.customer_id
