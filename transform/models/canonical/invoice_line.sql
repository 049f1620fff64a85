with lines as (
    {{ conformed('invoice_line') }}
)

select
    connection || ':' || invoice_line_id as invoice_line_key,
    connection || ':' || invoice_id as invoice_key,
    connection,
    invoice_line_id,
    invoice_id,
    sku,
    description,
    quantity,
    unit_raw,
    amount,
    tax_amount
from lines
