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
),

-- the ledger's line of a posted document
posted as (
    select *
    from {{ ref('stg_dynamics365_finance__transactions') }}
    where not is_removed and type_raw in ('Sales', 'Cust', 'Project') and not is_correction
),

-- documents that were taken back by their opposite
reversed as (
    select connection, company_id, invoice_number
    from {{ ref('stg_dynamics365_finance__transactions') }}
    where not is_removed and is_correction and invoice_number <> ''
    group by connection, company_id, invoice_number
)

select
    document.connection,
    case when repeated.first_place <> document.company_id || '|' || document.ledger_voucher
        then document.company_id || '|' || document.invoice_number || '|' || document.ledger_voucher else document.invoice_number end as credit_note_id,
    nullif(posted.document_number, '') as billing_credit_note_id,
    document.invoice_number as number,
    case when account.first_company_id <> document.company_id then document.company_id || '|' || document.invoice_customer_account else nullif(document.invoice_customer_account, '') end as customer_record_id,
    document.company_id,
    cast(null as {{ sql_type('string') }}) as billing_invoice_id,
    case
        when reversed.invoice_number is not null then 'Canceled'
        when posted.closed_on is not null or posted.amount = posted.settled_amount then 'Settled'
        else 'Open'
    end as status_raw,
    nullif(posted.text, '') as reason,
    document.currency,
    {{ money('-document.total_amount') }} as total_amount,
    cast(document.invoice_date as {{ sql_type('timestamp') }}) as issued_at
from {{ ref('stg_dynamics365_finance__invoices') }} as document
left join posted
    on document.connection = posted.connection and document.company_id = posted.company_id
        and document.invoice_number = posted.invoice_number and document.ledger_voucher = posted.voucher
left join reversed
    on document.connection = reversed.connection and document.company_id = reversed.company_id
        and document.invoice_number = reversed.invoice_number
left join shared_invoices as repeated
    on document.connection = repeated.connection and document.invoice_number = repeated.invoice_number
left join shared_accounts as account
    on document.connection = account.connection and document.invoice_customer_account = account.customer_account
where not document.is_removed and document.total_amount < 0
