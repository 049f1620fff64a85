{#-
  A return is what an order has of return lines, and how far it is stands in them. An exchange is an order of both kinds: its header speaks of
  all lines, so its return lines speak for themselves.
-#}
with kinds as (
    select
        connection,
        order_id,
        max(case when category = 'RETURN' then 1 else 0 end) as has_returns,
        max(case when coalesce(category, 'ORDER') <> 'RETURN' then 1 else 0 end) as has_sales,
        min(case when coalesce(category, '') <> 'RETURN' or status_raw = 'CANCELED' then 1 else 0 end) as is_cancelled,
        min(case when coalesce(category, '') <> 'RETURN' or status_raw in ('BILLED', 'CANCELED') then 1 else 0 end) as is_billed,
        min(case when coalesce(category, '') <> 'RETURN' or status_raw in ('AWAIT_BILLING', 'DELIVERED', 'BILLED', 'CANCELED') then 1 else 0 end) as has_come,
        max(case when category = 'RETURN' and status_raw = 'AWAIT_RECEIPT' then 1 else 0 end) as awaits_receipt,
        sum(case when category = 'RETURN' then amount end) as amount
    from {{ ref('stg_oracle_fusion__order_lines') }}
    where not is_removed
    group by connection, order_id
),

totals as (
    select
        connection,
        order_id,
        max(case when code = 'QP_TOTAL_PAY_NOW' then amount end) as total_amount
    from {{ ref('stg_oracle_fusion__order_totals') }}
    where not is_removed
    group by connection, order_id
),

origins as (
    select
        line.connection,
        line.order_id,
        min(sold.order_id) as original_order_id,
        min(line.return_reason) as reason,
        max(line.completed_at) as received_at
    from {{ ref('stg_oracle_fusion__order_lines') }} as line
    left join ({{ oracle_fusion_orders() }}) as sold
        on line.connection = sold.connection and line.original_order_number = sold.number
    where not line.is_removed and line.category = 'RETURN'
    group by line.connection, line.order_id
)

select
    document.connection,
    document.order_id as return_id,
    document.number,
    origins.original_order_id as order_id,
    cast(null as {{ sql_type('string') }}) as invoice_id,
    document.customer_id as customer_record_id,
    document.legal_entity_id as company_id,
    case
        when kinds.has_sales = 1 and kinds.is_cancelled = 1 then 'CANCELED'
        when kinds.has_sales = 1 and kinds.is_billed = 1 then 'BILLED'
        when kinds.has_sales = 1 and document.status_raw = 'PARTIAL_CLOSE' and kinds.awaits_receipt = 1 then 'AWAIT_RECEIPT'
        when kinds.has_sales = 1 and document.status_raw = 'PARTIAL_CLOSE' and kinds.has_come = 1 then 'AWAIT_BILLING'
        when document.status_raw = 'OPEN' and kinds.awaits_receipt = 1 then 'AWAIT_RECEIPT'
        when document.status_raw = 'OPEN' and kinds.has_come = 1 then 'AWAIT_BILLING'
        when document.status_raw = 'CLOSED' and kinds.is_billed = 1 then 'BILLED'
        else document.status_raw
    end as status_raw,
    origins.reason,
    document.currency,
    {{ money('abs(coalesce(case when kinds.has_sales = 0 then totals.total_amount end, kinds.amount))') }} as amount,
    cast(null as {{ sql_type('timestamp') }}) as due_at,
    origins.received_at,
    document.created_at,
    document.updated_at
from ({{ oracle_fusion_orders() }}) as document
inner join kinds on document.connection = kinds.connection and document.header_id = kinds.order_id
left join totals on document.connection = totals.connection and document.header_id = totals.order_id
left join origins on document.connection = origins.connection and document.header_id = origins.order_id
where kinds.has_returns = 1
