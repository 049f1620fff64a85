with sources as (
    select connection, delivery_id, min(nullif(reference_document_id, '')) as order_id
    from {{ ref('stg_sap_s4hana__outbound_delivery_items') }}
    where not is_removed
    group by connection, delivery_id
)

select
    document.connection,
    document.delivery_id as shipment_id,
    document.delivery_id as number,
    sources.order_id,
    document.customer_id as customer_record_id,
    area.company_id,
    case
        when document.goods_movement_status not in ('', 'A', 'B', 'C') then document.goods_movement_status
        when document.picking_status not in ('', 'A', 'B', 'C') then document.picking_status
        when document.block_status not in ('', 'A', 'B', 'C') then document.block_status
        when document.block_status = 'C' then 'blocked'
        when document.proof_of_delivery_date is not null and document.goods_movement_status = 'C' then 'received'
        when document.goods_movement_status = 'C' then 'issued'
        when document.goods_movement_status = 'B' then 'partially_issued'
        when document.picking_status = 'C' then 'picked'
        else 'open'
    end as status_raw,
    nullif(document.means_of_transport, '') as carrier,
    nullif(document.bill_of_lading, '') as tracking_number,
    document.planned_goods_issue_date as planned_date,
    document.goods_moved_at as shipped_at,
    cast(document.proof_of_delivery_date as {{ sql_type('timestamp') }}) as delivered_at,
    coalesce(cast(document.changed_date as {{ sql_type('timestamp') }}), document.created_at) as updated_at
from {{ ref('stg_sap_s4hana__outbound_deliveries') }} as document
left join sources on document.connection = sources.connection and document.delivery_id = sources.delivery_id
left join {{ ref('stg_sap_s4hana__sales_organizations') }} as area
    on document.connection = area.connection and document.sales_organization_id = area.sales_organization_id
where not document.is_removed
