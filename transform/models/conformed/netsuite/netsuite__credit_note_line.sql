select
    line.connection,
    line.line_id as credit_note_line_id,
    line.transaction_id as credit_note_id,
    cast(null as {{ sql_type('string') }}) as invoice_line_id,
    product.sku,
    line.memo as description,
    line.item_id is null as is_charge,
    abs(line.quantity) as quantity,
    {{ money('abs(line.amount)') }} as amount
from {{ ref('stg_netsuite__transaction_lines') }} as line
inner join {{ ref('stg_netsuite__transactions') }} as document
    on line.connection = document.connection and line.transaction_id = document.transaction_id and document.transaction_type = 'CustCred'
left join {{ ref('stg_netsuite__items') }} as product on line.connection = product.connection and line.item_id = product.item_id
where not line.is_removed and not document.is_removed and not coalesce(line.is_main_line, false) and not coalesce(line.is_tax_line, false)
