select
    line.connection,
    line.credit_note_line_id,
    line.credit_note_id,
    line.invoice_line_id,
    product.sku,
    line.description,
    cast(null as {{ sql_type('boolean') }}) as is_charge,
    cast(line.quantity as {{ sql_type('decimal') }}) as quantity,
    {{ from_minor('line.amount_minor', 'unit.minor_size') }} as amount
from {{ ref('stg_stripe__credit_note_lines') }} as line
inner join {{ ref('stg_stripe__credit_notes') }} as document
    on line.connection = document.connection and line.credit_note_id = document.credit_note_id and not document.is_removed
left join {{ ref('stg_stripe__invoice_lines') }} as sale on line.connection = sale.connection and line.invoice_line_id = sale.invoice_line_id
left join {{ ref('stg_stripe__products') }} as product on sale.connection = product.connection and sale.product_id = product.product_id
left join {{ ref('currency') }} as unit on unit.system = 'stripe' and document.currency = unit.currency
where not line.is_removed
