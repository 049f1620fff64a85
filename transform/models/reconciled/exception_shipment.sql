{{ config(materialized='view') }}
select
    'shipment' as domain,
    pair_key as exception_key,
    class,
    case class when 'shipped_while_on_hold' then 'critical' when 'partial' then 'warn' else 'error' end as severity,
    case class when 'delayed' then {{ team('erp') }} || '+' || {{ team('support') }} else {{ team('erp') }} end as owner_role,
    customer_id,
    correlation_id,
    order_connection as left_connection,
    order_id as left_id,
    order_connection as right_connection,
    shipment_id as right_id,
    order_status as left_value,
    shipment_status as right_value,
    order_amount as exposure,
    currency,
    since,
    coalesce('shipment ' || coalesce(shipment_number, shipment_id), 'order ' || coalesce(order_number, order_id)) || ': ' || reason as detail
from {{ ref('reconciled_shipment') }}
where class in ('delayed', 'partial', 'shipped_while_on_hold')
