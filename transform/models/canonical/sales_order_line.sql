select
    line.connection || ':' || line.line_id as order_line_key,
    line.connection || ':' || line.transaction_id as order_key,
    line.connection,
    line.line_id as order_line_id,
    line.transaction_id as order_id,
    product.sku,
    line.line_number,
    -- the ledger writes sales lines with a minus
    -line.quantity as quantity,
    line.unit_price,
    {{ money('-line.amount') }} as amount,
    line.is_closed
from {{ ref('stg_netsuite__transaction_lines') }} as line
inner join {{ ref('sales_order') }} as parent on line.connection = parent.connection and line.transaction_id = parent.order_id
left join {{ ref('stg_netsuite__items') }} as product on line.connection = product.connection and line.item_id = product.item_id
where not line.is_removed and not coalesce(line.is_main_line, false) and not coalesce(line.is_tax_line, false)
