select
    connection,
    credit_memo_item_id as credit_note_line_id,
    credit_memo_id as credit_note_id,
    invoice_item_id as invoice_line_id,
    sku,
    coalesce(description, charge_name) as description,
    cast(null as {{ sql_type('boolean') }}) as is_charge,
    cast(quantity as {{ sql_type('decimal') }}) as quantity,
    {{ money('coalesce(amount_without_tax, amount)') }} as amount
from {{ ref('stg_zuora__credit_memo_items') }}
where not is_removed
