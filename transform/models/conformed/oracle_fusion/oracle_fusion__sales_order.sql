{#- Orders but for those of return lines alone. A header says Processing or Closed; how far it is with billing stands in the lines. -#}
with kinds as (
    select
        connection,
        order_id,
        max(case when coalesce(category, 'ORDER') <> 'RETURN' then 1 else 0 end) as has_sales,
        min(case when category = 'RETURN' or status_raw in ('AWAIT_BILLING', 'CANCELED') then 1 else 0 end) as awaits_billing,
        min(case when category = 'RETURN' or status_raw in ('BILLED', 'CANCELED') then 1 else 0 end) as is_billed,
        sum(amount) as amount
    from {{ ref('stg_oracle_fusion__order_lines') }}
    where not is_removed
    group by connection, order_id
),

totals as (
    select
        connection,
        order_id,
        max(case when code = 'QP_TOTAL_PAY_NOW' then amount end) as total_amount,
        max(case when code = 'QP_TOTAL_TAX' then amount end) as tax_amount
    from {{ ref('stg_oracle_fusion__order_totals') }}
    where not is_removed
    group by connection, order_id
)

select
    document.connection,
    document.order_id,
    document.number,
    document.customer_id as customer_record_id,
    document.legal_entity_id as company_id,
    case when document.source_system not in ('OPS', 'GPR') then nullif(document.source_number, '') end as opportunity_id,
    case
        when document.status_raw = 'OPEN' and kinds.awaits_billing = 1 then 'AWAIT_BILLING'
        when document.status_raw = 'CLOSED' and kinds.is_billed = 1 then 'BILLED'
        else document.status_raw
    end as status_raw,
    document.currency,
    {{ money('coalesce(totals.total_amount, kinds.amount + coalesce(totals.tax_amount, 0))') }} as total_amount,
    {{ money('coalesce(totals.tax_amount, 0)') }} as tax_amount,
    cast(document.ordered_at as date) as order_date,
    document.created_at,
    document.updated_at
from ({{ oracle_fusion_orders() }}) as document
left join kinds on document.connection = kinds.connection and document.header_id = kinds.order_id
left join totals on document.connection = totals.connection and document.header_id = totals.order_id
where kinds.order_id is null or kinds.has_sales = 1
