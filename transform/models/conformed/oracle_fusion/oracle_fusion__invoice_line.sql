select
    line.connection,
    line.invoice_line_id,
    line.invoice_id,
    line.item_number as sku,
    line.description,
    line.quantity,
    nullif(line.uom, '') as unit_raw,
    {{ money('line.amount') }} as amount,
    {{ money('coalesce(line.tax_amount, 0)') }} as tax_amount
from {{ ref('stg_oracle_fusion__invoice_lines') }} as line
inner join {{ ref('stg_oracle_fusion__invoices') }} as document on line.connection = document.connection and line.invoice_id = document.invoice_id
where not line.is_removed and not document.is_removed
