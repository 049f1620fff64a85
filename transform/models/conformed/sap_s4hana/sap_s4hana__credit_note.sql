with due as (
    select distinct connection, company_id, fiscal_year, accounting_document_id
    from {{ ref('stg_sap_s4hana__open_items') }}
    where not is_removed
),

reasons as (
    select connection, billing_document_id, min(nullif(document_reason, '')) as reason
    from {{ ref('stg_sap_s4hana__billing_document_items') }}
    where not is_removed
    group by connection, billing_document_id
)

select
    document.connection,
    document.billing_document_id as credit_note_id,
    nullif(document.customer_reference, '') as billing_credit_note_id,
    coalesce(nullif(document.document_reference, ''), document.billing_document_id) as number,
    document.customer_id as customer_record_id,
    document.company_id,
    cast(null as {{ sql_type('string') }}) as billing_invoice_id,
    case
        when document.is_cancelled then 'cancelled'
        when document.invoice_clearing_status not in ('', 'A', 'B', 'C') then document.invoice_clearing_status
        when document.accounting_transfer_status not in ('', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I') then document.accounting_transfer_status
        when document.accounting_transfer_status in ('', 'A', 'B', 'F', 'G') then 'not_posted'
        when due.accounting_document_id is not null then 'open'
        else 'cleared'
    end as status_raw,
    reasons.reason,
    document.currency,
    {{ money('abs(document.total_gross_amount)') }} as total_amount,
    cast(document.billing_document_date as {{ sql_type('timestamp') }}) as issued_at
from {{ ref('stg_sap_s4hana__billing_documents') }} as document
left join due
    on document.connection = due.connection and document.company_id = due.company_id and document.fiscal_year = due.fiscal_year
        and document.accounting_document_id = due.accounting_document_id
left join reasons on document.connection = reasons.connection and document.billing_document_id = reasons.billing_document_id
where not document.is_removed and document.document_category = 'O'
