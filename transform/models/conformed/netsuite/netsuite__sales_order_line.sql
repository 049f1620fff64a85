select
    line.connection,
    line.line_id as order_line_id,
    line.transaction_id as order_id,
    line.line_number,
    product.sku,
    -- the ledger writes sales lines with a minus
    -line.quantity as quantity,
    cast(null as {{ sql_type('string') }}) as unit_raw,
    line.unit_price,
    {{ money('-line.amount') }} as amount,
    line.is_closed
from {{ ref('stg_netsuite__transaction_lines') }} as line
inner join {{ ref('stg_netsuite__transactions') }} as document
    on line.connection = document.connection and line.transaction_id = document.transaction_id and document.transaction_type = 'SalesOrd'
left join {{ ref('stg_netsuite__items') }} as product on line.connection = product.connection and line.item_id = product.item_id
where not line.is_removed and not document.is_removed and not coalesce(line.is_main_line, false) and not coalesce(line.is_tax_line, false)
