-- what is carried is allocated, to the smallest coin, over the lines that share it
select carrier_line_key, sum(carried_amount) as carried_amount, sum(allocated_amount) as allocated_amount
from {{ ref('reconciled_freight') }}
where class in ('carried', 'shared')
group by carrier_line_key
having sum(carried_amount) is distinct from sum(allocated_amount)
