select
    connection,
    invoice_item_id as invoice_line_id,
    invoice_id,
    sku,
    charge_name as description,
    cast(quantity as {{ sql_type('decimal') }}) as quantity,
    cast(null as {{ sql_type('string') }}) as unit_raw,
    {{ money('charge_amount') }} as amount,
    {{ money('coalesce(tax_amount, 0)') }} as tax_amount
from {{ ref('stg_zuora__invoice_items') }}
where not is_removed
