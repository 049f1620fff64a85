select
    line.connection,
    line.order_line_id,
    document.order_id,
    cast(nullif(regexp_replace(line.line_number, '[^0-9].*$', ''), '') as bigint) as line_number,
    line.item_number as sku,
    line.quantity,
    nullif(line.uom, '') as unit_raw,
    line.unit_price,
    {{ money('line.amount') }} as amount,
    not coalesce(line.is_open, true) as is_closed
from {{ ref('stg_oracle_fusion__order_lines') }} as line
inner join ({{ oracle_fusion_orders() }}) as document on line.connection = document.connection and line.order_id = document.header_id
where not line.is_removed and coalesce(line.category, 'ORDER') <> 'RETURN'
