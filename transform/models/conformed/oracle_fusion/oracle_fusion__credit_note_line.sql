select
    line.connection,
    line.credit_memo_line_id as credit_note_line_id,
    line.credit_memo_id as credit_note_id,
    cast(null as {{ sql_type('string') }}) as invoice_line_id,
    line.item_number as sku,
    line.description,
    line.item_number is null as is_charge,
    abs(line.quantity) as quantity,
    {{ money('abs(line.amount)') }} as amount
from {{ ref('stg_oracle_fusion__credit_memo_lines') }} as line
inner join {{ ref('stg_oracle_fusion__credit_memos') }} as document
    on line.connection = document.connection and line.credit_memo_id = document.credit_memo_id and not document.is_removed
where not line.is_removed
