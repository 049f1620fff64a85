-- an account number that two companies use stands alone in the one that had it first and with the company in the others
with shared_accounts as (
    select record.connection, record.customer_account, record.company_id as first_company_id
    from {{ ref('stg_dynamics365_finance__customers') }} as record
    left join {{ ref('stg_dynamics365_finance__customer_stamps') }} as stamp
        on record.connection = stamp.connection and record.company_id = stamp.company_id
            and record.customer_account = stamp.customer_account
    qualify row_number() over (
        partition by record.connection, record.customer_account order by stamp.created_at nulls last, record.company_id
    ) = 1 and count(*) over (partition by record.connection, record.customer_account) > 1
),

-- an invoice number may repeat over companies and vouchers: the first keeps it, the others are named with both
shared_invoices as (
    select connection, invoice_number, company_id || '|' || ledger_voucher as first_place
    from {{ ref('stg_dynamics365_finance__invoices') }}
    qualify row_number() over (
        partition by connection, invoice_number order by invoice_date, company_id, ledger_voucher
    ) = 1 and count(*) over (partition by connection, invoice_number) > 1
)

select
    document.connection,
    document.record_id as refund_id,
    nullif(document.document_number, '') as billing_refund_id,
    case when account.first_company_id <> document.company_id then document.company_id || '|' || document.customer_account else nullif(document.customer_account, '') end as customer_record_id,
    document.company_id,
    cast(null as {{ sql_type('string') }}) as billing_payment_id,
    case when credit.invoice_number is not null then case when repeated.first_place <> credit.company_id || '|' || credit.ledger_voucher
        then credit.company_id || '|' || credit.invoice_number || '|' || credit.ledger_voucher else credit.invoice_number end end as credit_note_id,
    case when document.is_cancelled_payment then 'Canceled' when not document.is_approved then 'Unapproved' else 'Posted' end as status_raw,
    document.currency,
    {{ money('document.amount') }} as amount,
    cast(document.transaction_date as {{ sql_type('timestamp') }}) as refunded_at
from {{ ref('stg_dynamics365_finance__transactions') }} as document
left join {{ ref('stg_dynamics365_finance__invoices') }} as credit
    on document.connection = credit.connection and document.company_id = credit.company_id and not credit.is_removed
        and document.last_settle_voucher = credit.ledger_voucher and credit.total_amount < 0
left join shared_invoices as repeated
    on credit.connection = repeated.connection and credit.invoice_number = repeated.invoice_number
left join shared_accounts as account
    on document.connection = account.connection and document.customer_account = account.customer_account
where not document.is_removed and document.type_raw = 'Payment' and document.amount > 0
