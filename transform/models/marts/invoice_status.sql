{{ config(materialized='view') }}

select
    pair.pair_key,
    pair.number,
    pair.customer_id,
    customer.name as customer_name,
    pair.billing_connection,
    pair.billing_invoice_id,
    pair.ledger_connection,
    pair.ledger_invoice_id,
    pair.correlation_id,
    pair.method as match_method,
    pair.class,
    pair.status_class,
    pair.billing_status,
    pair.ledger_status,
    coalesce(pair.billing_currency, pair.ledger_currency) as currency,
    pair.billing_total,
    pair.ledger_total,
    pair.ledger_total - pair.billing_total as total_difference,
    pair.tolerance,
    -- some systems keep showing what was open when an invoice was voided
    case when pair.billing_status in ('void', 'rejected') and pair.billing_open > 0 then {{ money('0') }} else pair.billing_open end as open_amount,
    pair.invoice_date,
    pair.due_date,
    case when pair.billing_open > 0 and coalesce(pair.billing_status, '') not in ('draft', 'void', 'rejected') and pair.due_date < cast({{ as_of() }} as date)
        then {{ days_between('cast(' ~ as_of() ~ ' as date)', 'pair.due_date') }} else 0 end as overdue_days
from {{ ref('reconciled_invoice') }} as pair
left join {{ ref('customer') }} as customer on pair.customer_id = customer.customer_id
