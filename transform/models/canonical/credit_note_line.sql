with lines as (
    {{ conformed('credit_note_line') }}
)

select
    connection || ':' || credit_note_line_id as credit_note_line_key,
    connection || ':' || credit_note_id as credit_note_key,
    connection,
    credit_note_line_id,
    credit_note_id,
    connection || ':' || invoice_line_id as invoice_line_key,
    sku,
    description,
    coalesce(is_charge, false) as is_charge,
    quantity,
    amount
from lines
