with lines as (
    {{ sap_s4hana_money_lines() }}
),

-- what is left of the money may stay open on a line of its own: the lines that settle something say how far it is
postings as (
    select
        connection,
        posting_id,
        company_id,
        min(nullif(item_text, '')) as item_text,
        min(customer_id) as customer_id,
        max(case when is_reversed then 1 else 0 end) as is_reversed,
        max(nullif(payment_blocking_reason, '')) as payment_blocking_reason,
        min(case when is_cleared or debit_credit_code <> 'H' then 1 else 0 end) as is_cleared,
        min(currency) as currency,
        min(received_amount) as amount,
        min(posting_date) as posting_date
    from lines
    where received_amount > 0
    group by connection, posting_id, company_id
)

select
    connection,
    posting_id as payment_id,
    item_text as billing_payment_id,
    customer_id as customer_record_id,
    company_id,
    cast(null as {{ sql_type('string') }}) as billing_invoice_id,
    case
        when is_reversed = 1 then 'reversed'
        when payment_blocking_reason is not null then payment_blocking_reason
        when is_cleared = 1 then 'cleared'
        else 'posted'
    end as status_raw,
    currency,
    {{ money('amount') }} as amount,
    cast(posting_date as {{ sql_type('timestamp') }}) as paid_at
from postings
