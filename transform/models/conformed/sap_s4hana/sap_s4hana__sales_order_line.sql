select
    line.connection,
    line.order_id || ':' || line.sales_order_item as order_line_id,
    line.order_id,
    cast(line.sales_order_item as bigint) as line_number,
    coalesce(nullif(goods.old_id, ''), line.product_id) as sku,
    cast(line.requested_quantity as {{ sql_type('decimal') }}) as quantity,
    nullif(line.requested_quantity_unit, '') as unit_raw,
    cast(line.net_amount / nullif(line.requested_quantity, 0) as {{ sql_type('decimal') }}) as unit_price,
    {{ money('line.net_amount') }} as amount,
    coalesce(line.rejection_reason, '') <> '' or coalesce(line.process_status, '') = 'C' as is_closed
from {{ ref('stg_sap_s4hana__sales_order_items') }} as line
inner join {{ ref('stg_sap_s4hana__sales_orders') }} as document
    on line.connection = document.connection and line.order_id = document.order_id and not document.is_removed
left join {{ ref('stg_sap_s4hana__products') }} as goods on line.connection = goods.connection and line.product_id = goods.product_id
where not line.is_removed
