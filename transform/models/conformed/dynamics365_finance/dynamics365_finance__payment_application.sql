-- an invoice number may repeat over companies and vouchers: the first keeps it, the others are named with both
with shared_invoices as (
    select connection, invoice_number, company_id || '|' || ledger_voucher as first_place
    from {{ ref('stg_dynamics365_finance__invoices') }}
    qualify row_number() over (
        partition by connection, invoice_number order by invoice_date, company_id, ledger_voucher
    ) = 1 and count(*) over (partition by connection, invoice_number) > 1
),

-- what a payment was marked against when it was entered, else what it was settled with last
marked as (
    select connection, company_id, voucher, min(marked_invoice) as invoice_number
    from {{ ref('stg_dynamics365_finance__payment_journal_lines') }}
    where not is_removed and coalesce(marked_invoice, '') <> ''
    group by connection, company_id, voucher
    having count(*) = 1
),

-- the payment names what it was settled with last alone; the invoices that name it in turn are all of them where their parts add up to it
parts as (
    select paid.connection, paid.company_id, paid.record_id, bill.invoice_number, bill.voucher, bill.settled_amount
    from {{ ref('stg_dynamics365_finance__transactions') }} as paid
    inner join {{ ref('stg_dynamics365_finance__transactions') }} as bill
        on paid.connection = bill.connection and paid.company_id = bill.company_id and paid.customer_account = bill.customer_account
            and paid.currency = bill.currency and paid.voucher = bill.last_settle_voucher
    where not paid.is_removed and paid.amount < 0 and paid.settled_amount <> 0 and paid.voucher <> ''
        and not bill.is_removed and bill.amount > 0 and bill.settled_amount <> 0 and not bill.is_correction
        and bill.type_raw in ('Sales', 'Cust', 'Project')
    qualify count(*) over (partition by paid.connection, paid.company_id, paid.record_id) > 1
        and sum(bill.settled_amount) over (partition by paid.connection, paid.company_id, paid.record_id) = abs(paid.settled_amount)
)

select
    document.connection,
    document.record_id || ':' || case when repeated.first_place <> invoice.company_id || '|' || invoice.ledger_voucher
        then invoice.company_id || '|' || invoice.invoice_number || '|' || invoice.ledger_voucher else invoice.invoice_number end as application_id,
    case when document.type_raw = 'Payment' then document.record_id end as payment_id,
    case when document.type_raw <> 'Payment' then case when credited.first_place <> credit.company_id || '|' || credit.ledger_voucher
        then credit.company_id || '|' || credit.invoice_number || '|' || credit.ledger_voucher else credit.invoice_number end end as credit_note_id,
    case when repeated.first_place <> invoice.company_id || '|' || invoice.ledger_voucher
        then invoice.company_id || '|' || invoice.invoice_number || '|' || invoice.ledger_voucher else invoice.invoice_number end as invoice_id,
    document.currency,
    {{ money('coalesce(parts.settled_amount, abs(document.settled_amount))') }} as amount,
    cast(coalesce(document.last_settled_on, document.transaction_date) as {{ sql_type('timestamp') }}) as applied_at
from {{ ref('stg_dynamics365_finance__transactions') }} as document
left join marked
    on document.connection = marked.connection and document.company_id = marked.company_id and document.voucher = marked.voucher
left join parts
    on document.connection = parts.connection and document.company_id = parts.company_id and document.record_id = parts.record_id
inner join {{ ref('stg_dynamics365_finance__invoices') }} as invoice
    on document.connection = invoice.connection and document.company_id = invoice.company_id and not invoice.is_removed
        and invoice.total_amount >= 0
        and case
            when parts.record_id is not null then invoice.invoice_number = parts.invoice_number and invoice.ledger_voucher = parts.voucher
            when marked.invoice_number is not null then invoice.invoice_number = marked.invoice_number
            else invoice.ledger_voucher = document.last_settle_voucher
        end
left join shared_invoices as repeated
    on invoice.connection = repeated.connection and invoice.invoice_number = repeated.invoice_number
left join {{ ref('stg_dynamics365_finance__invoices') }} as credit
    on document.connection = credit.connection and document.company_id = credit.company_id and not credit.is_removed
        and document.voucher = credit.ledger_voucher and document.invoice_number = credit.invoice_number
left join shared_invoices as credited
    on credit.connection = credited.connection and credit.invoice_number = credited.invoice_number
where not document.is_removed and document.amount < 0 and document.settled_amount <> 0 and not document.is_correction
    and not document.is_cancelled_payment
