{#- A shipment names its order in its lines. A closed one whose lines were all cancelled never left. -#}
with lines as (
    select
        line.connection,
        line.shipment_number,
        min(sold.order_id) as order_id,
        min(line.legal_entity_id) as legal_entity_id,
        min(nullif(line.tracking_number, '')) as tracking_number,
        min(case when line.status_raw = 'D' then 1 else 0 end) = 1 as is_cancelled
    from {{ ref('stg_oracle_fusion__shipment_lines') }} as line
    left join ({{ oracle_fusion_orders() }}) as sold
        on line.connection = sold.connection and line.order_number = sold.number
    where not line.is_removed
    group by line.connection, line.shipment_number
)

select
    document.connection,
    document.shipment_id,
    document.number,
    lines.order_id,
    document.customer_id as customer_record_id,
    lines.legal_entity_id as company_id,
    case when document.status_raw = 'CL' and lines.is_cancelled then 'CANCELED' else document.status_raw end as status_raw,
    document.carrier,
    coalesce(lines.tracking_number, nullif(document.waybill, '')) as tracking_number,
    document.planned_date,
    coalesce(document.shipped_at, document.confirmed_at) as shipped_at,
    document.delivered_at,
    document.updated_at
from {{ ref('stg_oracle_fusion__shipments') }} as document
left join lines on document.connection = lines.connection and document.number = lines.shipment_number
where not document.is_removed
