with lines as (
    {{ conformed('shipment_line') }}
)

select
    document.connection || ':' || document.shipment_line_id as shipment_line_key,
    document.connection || ':' || document.shipment_id as shipment_key,
    document.connection || ':' || document.order_id as order_key,
    document.connection,
    document.shipment_line_id,
    document.shipment_id,
    document.shipment_number,
    document.order_id,
    document.order_line_id,
    document.sku,
    document.quantity,
    document.currency,
    cast(coalesce(unit.minor_units, 2) as {{ sql_type('bigint') }}) as minor_units,
    document.amount,
    document.weight_kg,
    {{ decoded('shipment_line', 'freight_terms', 'document.system', 'document.freight_terms_raw') }} as freight_terms,
    document.freight_terms_raw,
    document.freight_amount,
    document.connection || ':' || document.carrier_line_id as carrier_line_key,
    document.carrier_shipment_number
from lines as document
left join {{ ref('currency') }} as unit on document.system = unit.system and document.currency = unit.currency
