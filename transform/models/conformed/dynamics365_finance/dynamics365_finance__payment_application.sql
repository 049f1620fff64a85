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
    {{ money('abs(document.settled_amount)') }} as amount,
    cast(coalesce(document.last_settled_on, document.transaction_date) as {{ sql_type('timestamp') }}) as applied_at
from {{ ref('stg_dynamics365_finance__transactions') }} as document
left join marked
    on document.connection = marked.connection and document.company_id = marked.company_id and document.voucher = marked.voucher
inner join {{ ref('stg_dynamics365_finance__invoices') }} as invoice
    on document.connection = invoice.connection and document.company_id = invoice.company_id and not invoice.is_removed
        and invoice.total_amount >= 0
        and case
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
