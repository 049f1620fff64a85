with shipments as (
    {{ conformed('shipment') }}
)

select
    document.connection || ':' || document.shipment_id as shipment_key,
    document.connection,
    document.shipment_id,
    document.number,
    document.order_id,
    link.customer_id,
    {{ legal_entity_of('document.company_id', 'document.connection') }} as company_id,
    {{ region_of_connection('document.connection') }} as region,
    {{ decoded('shipment', 'status', 'document.system', 'document.status_raw') }} as status,
    document.status_raw,
    document.carrier,
    document.tracking_number,
    document.planned_date,
    document.shipped_at,
    document.delivered_at,
    document.updated_at
from shipments as document
left join {{ ref('crosswalk') }} as link on document.connection = link.connection and document.customer_record_id = link.record_id
