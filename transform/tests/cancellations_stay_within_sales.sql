-- no sale is taken back beyond what was sold, no credit line beyond what it takes back
select line.invoice_line_key as line_key, line.quantity, sum(match.quantity) as matched_quantity
from {{ ref('cancellation_match') }} as match
inner join {{ ref('invoice_line') }} as line on match.invoice_line_key = line.invoice_line_key
group by line.invoice_line_key, line.quantity
having sum(match.quantity) > line.quantity
union all
select line.credit_note_line_key, line.quantity, sum(match.quantity)
from {{ ref('cancellation_match') }} as match
inner join {{ ref('credit_note_line') }} as line on match.credit_note_line_key = line.credit_note_line_key
group by line.credit_note_line_key, line.quantity
having sum(match.quantity) > line.quantity
