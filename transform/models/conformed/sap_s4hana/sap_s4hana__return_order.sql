with lines as (
    select
        connection,
        return_id,
        min(nullif(customer_rma_number, '')) as rma_number,
        min(nullif(return_reason, '')) as reason,
        min(case when is_received = 'X' then 1 else 0 end) as is_received
    from {{ ref('stg_sap_s4hana__customer_return_items') }}
    where not is_removed
    group by connection, return_id
),

arrivals as (
    select item.connection, item.reference_document_id as return_id, min(header.goods_moved_at) as received_at
    from {{ ref('stg_sap_s4hana__returns_delivery_items') }} as item
    inner join {{ ref('stg_sap_s4hana__returns_deliveries') }} as header
        on item.connection = header.connection and item.delivery_id = header.delivery_id
    where not item.is_removed and not header.is_removed and header.goods_movement_status = 'C'
    group by item.connection, item.reference_document_id
),

billed as (
    select
        connection,
        billing_document_id,
        min(case when sales_document_category = 'C' then nullif(sales_document_id, '') end) as order_id
    from {{ ref('stg_sap_s4hana__billing_document_items') }}
    where not is_removed
    group by connection, billing_document_id
)

select
    document.connection,
    document.return_id,
    coalesce(lines.rma_number, document.return_id) as number,
    case when document.reference_document_category = 'C' then document.reference_document_id else billed.order_id end as order_id,
    case when document.reference_document_category = 'M' then document.reference_document_id end as invoice_id,
    document.customer_id as customer_record_id,
    area.company_id,
    case
        when document.returns_status not in ('', 'A', 'B', 'C') then document.returns_status
        when document.rejection_status not in ('', 'A', 'B', 'C') then document.rejection_status
        when document.approval_status not in ('', 'A', 'B', 'C') then document.approval_status
        when document.compensation_status not in ('', 'A', 'B', 'C') then document.compensation_status
        when document.logistics_status not in ('', 'A', 'B', 'C') then document.logistics_status
        when document.process_status not in ('', 'A', 'B', 'C') then document.process_status
        when document.rejection_status = 'C' or document.approval_status = 'C' then 'rejected'
        when document.compensation_status = 'C' then 'compensated'
        when document.logistics_status = 'C' or lines.is_received = 1 then 'received'
        when document.process_status = 'C' then 'completed'
        when document.approval_status = 'A' then 'in_approval'
        else 'approved'
    end as status_raw,
    coalesce(lines.reason, nullif(document.document_reason, '')) as reason,
    document.currency,
    {{ money('document.total_net_amount') }} as amount,
    cast(null as {{ sql_type('timestamp') }}) as due_at,
    arrivals.received_at,
    cast(document.created_date as {{ sql_type('timestamp') }}) as created_at,
    document.updated_at
from {{ ref('stg_sap_s4hana__customer_returns') }} as document
left join lines on document.connection = lines.connection and document.return_id = lines.return_id
left join arrivals on document.connection = arrivals.connection and document.return_id = arrivals.return_id
left join billed
    on document.connection = billed.connection and document.reference_document_category = 'M' and document.reference_document_id = billed.billing_document_id
left join {{ ref('stg_sap_s4hana__sales_organizations') }} as area
    on document.connection = area.connection and document.sales_organization_id = area.sales_organization_id
where not document.is_removed
