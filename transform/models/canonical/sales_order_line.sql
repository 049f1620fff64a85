with lines as (
    {{ conformed('sales_order_line') }}
)

select
    connection || ':' || order_line_id as order_line_key,
    connection || ':' || order_id as order_key,
    connection,
    order_line_id,
    order_id,
    sku,
    line_number,
    quantity,
    unit_raw,
    unit_price,
    amount,
    is_closed
from lines
