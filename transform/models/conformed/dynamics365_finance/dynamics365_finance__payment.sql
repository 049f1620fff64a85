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
)

select
    document.connection,
    document.record_id as payment_id,
    nullif(document.document_number, '') as billing_payment_id,
    case when account.first_company_id <> document.company_id then document.company_id || '|' || document.customer_account else nullif(document.customer_account, '') end as customer_record_id,
    document.company_id,
    cast(null as {{ sql_type('string') }}) as billing_invoice_id,
    case when document.is_cancelled_payment then 'Canceled' when not document.is_approved then 'Unapproved' else 'Posted' end as status_raw,
    document.currency,
    {{ money('-document.amount') }} as amount,
    cast(document.transaction_date as {{ sql_type('timestamp') }}) as paid_at
from {{ ref('stg_dynamics365_finance__transactions') }} as document
left join shared_accounts as account
    on document.connection = account.connection and document.customer_account = account.customer_account
where not document.is_removed and document.type_raw = 'Payment' and document.amount < 0
