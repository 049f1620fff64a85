select
    document.connection,
    document.invoice_line_id,
    document.invoice_id,
    product.sku,
    document.description,
    cast(document.quantity as {{ sql_type('decimal') }}) as quantity,
    cast(null as {{ sql_type('string') }}) as unit_raw,
    {{ from_minor('document.amount_minor', 'unit.minor_size') }} as amount,
    {{ from_minor('document.tax_minor', 'unit.minor_size') }} as tax_amount
from {{ ref('stg_stripe__invoice_lines') }} as document
left join {{ ref('stg_stripe__products') }} as product on document.connection = product.connection and document.product_id = product.product_id
left join {{ ref('currency') }} as unit on unit.system = 'stripe' and document.currency = unit.currency
where not document.is_removed
