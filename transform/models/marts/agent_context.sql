-- what an agent needs to know on an open or recent case, in one row
with exceptions as (
    select
        finding.golden_customer_id as customer_id,
        count(*) as open_exception_count,
        sum({{ in_reporting_currency('finding.exposure', 'finding.currency') }}) as open_exposure,
        {{ joined_texts("finding.drift_id || ' ' || finding.class") }} as open_exceptions
    from {{ ref('drift') }} as finding
    {{ reporting_joins('finding.currency', as_of()) }}
    where finding.golden_customer_id is not null
    group by finding.golden_customer_id
),

recent_orders as (
    select customer_id, {{ joined_texts("coalesce(cast(order_date as varchar), 'undated') || ' ' || coalesce(number, order_id) || ' ' || coalesce(status, 'unknown') || ', ' || shipment_state || ', ' || payment_state") }} as recent_orders
    from (
        select * from {{ ref('order_status') }} where customer_id is not null
        qualify row_number() over (partition by customer_id order by created_at desc nulls last, order_key desc) <= 3
    ) as newest
    group by customer_id
),

recent_shipments as (
    select customer_id, {{ joined_texts("coalesce(cast(coalesce(cast(shipped_at as date), planned_date) as varchar), 'undated') || ' ' || coalesce(number, shipment_id) || ' ' || coalesce(status, 'unknown') || coalesce(' ' || tracking_number, '')") }} as recent_shipments
    from (
        select * from {{ ref('shipment') }} where customer_id is not null
        qualify row_number() over (partition by customer_id order by coalesce(shipped_at, updated_at) desc nulls last, shipment_key desc) <= 3
    ) as newest
    group by customer_id
),

recent_invoices as (
    select customer_id, {{ joined_texts("coalesce(cast(invoice_date as varchar), 'undated') || ' ' || coalesce(number, invoice_id) || ' ' || coalesce(status, 'unknown') || ' ' || " ~ number_text('total_amount') ~ " || ' ' || currency") }} as recent_invoices
    from (
        select * from {{ ref('invoice') }} where customer_id is not null and role = 'billing'
        qualify row_number() over (partition by customer_id order by invoice_date desc nulls last, invoice_key desc) <= 3
    ) as newest
    group by customer_id
),

-- two payments of one day and amount are two: a customer who paid twice is why an agent looks
recent_payments as (
    select customer_id, {{ joined_texts("coalesce(cast(cast(paid_at as date) as varchar), 'undated') || ' ' || coalesce(status, 'unknown') || ' ' || " ~ number_text('amount') ~ " || ' ' || currency", is_distinct=true) }} as recent_payments
    from (
        select * from {{ ref('payment') }} where customer_id is not null and role = 'billing'
        qualify row_number() over (partition by customer_id order by paid_at desc nulls last, payment_key desc) <= 3
    ) as newest
    group by customer_id
),

named_orders as (
    {{ case_orders() }}
),

agreements as (
    select customer_id, sum(case when status is null then 1 else 0 end) as unknown
    from {{ ref('subscription') }}
    where customer_id is not null
    group by customer_id
)

select
    document.case_key,
    document.connection,
    document.case_id,
    document.number,
    document.subject,
    document.priority,
    document.status,
    document.is_open,
    document.customer_id,
    customer.name as customer_name,
    customer.customer_number,
    customer.is_active,
    customer.is_on_hold,
    customer.currency,
    customer.credit_limit,
    customer.balance,
    customer.overdue_amount,
    customer.overdue_days,
    coalesce(cover.is_covered, false) as is_covered,
    coalesce(cover.tier, cover.last_tier) as tier,
    cover.start_date as cover_start_date,
    cover.end_date as cover_end_date,
    document.order_number,
    sale.order_key,
    sale.status as order_status,
    sale.shipment_state,
    sale.payment_state,
    sale.return_state,
    recent_orders.recent_orders,
    recent_shipments.recent_shipments,
    recent_invoices.recent_invoices,
    recent_payments.recent_payments,
    coalesce(exceptions.open_exception_count, 0) as open_exception_count,
    {{ money('exceptions.open_exposure') }} as open_exposure,
    exceptions.open_exceptions,
    nullif(concat_ws(' ',
        case when document.customer_id is null then 'The customer is not known to the ERP.' end,
        case when customer.is_on_hold then 'Credit hold: promise neither goods nor credit without finance.' end,
        case when not customer.is_active then 'The ERP no longer trades with the customer.' end,
        case when customer.overdue_amount > 0 or (customer.overdue_amount is null and customer.overdue_days > 0)
            then 'Overdue: ' || coalesce({{ number_text('customer.overdue_amount') }} || ' ' || coalesce(customer.currency, ''), 'in several currencies')
                || ', ' || cast(customer.overdue_days as varchar) || ' days.' end,
        case
            when document.customer_id is null or cover.customer_id is not null then null
            when agreements.customer_id is null then 'No cover: billing knows no subscription.'
            when agreements.unknown > 0 then 'Cover is not certain: nobody knows what billing says of a subscription.'
            else 'No cover: no subscription in billing grants it.'
        end,
        case when not cover.is_covered then 'Cover has lapsed' || coalesce(' on ' || cast(cover.end_date as varchar), '') || '.' end,
        case when document.order_number is not null and sale.order_key is null then 'The order that the case names is not known.' end,
        case when sale.is_customer_on_hold and sale.shipment_state in ('none', 'planned', 'partly shipped') then 'Its order is held back by the credit hold.' end
    ), '') as warnings,
    document.created_at,
    document.updated_at,
    {{ as_of() }} as as_of
from {{ ref('support_case') }} as document
left join {{ ref('customer') }} as customer on document.customer_id = customer.customer_id
left join {{ ref('entitlement') }} as cover on document.customer_id = cover.customer_id
left join agreements on document.customer_id = agreements.customer_id
left join named_orders as named on document.case_key = named.case_key
left join {{ ref('order_status') }} as sale on named.order_key = sale.order_key
left join exceptions on document.customer_id = exceptions.customer_id
left join recent_orders on document.customer_id = recent_orders.customer_id
left join recent_shipments on document.customer_id = recent_shipments.customer_id
left join recent_invoices on document.customer_id = recent_invoices.customer_id
left join recent_payments on document.customer_id = recent_payments.customer_id
