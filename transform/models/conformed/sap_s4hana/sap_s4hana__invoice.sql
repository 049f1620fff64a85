with lines as (
    select
        connection,
        billing_document_id,
        min(case when sales_document_category = 'C' then nullif(sales_document_id, '') end) as order_id
    from {{ ref('stg_sap_s4hana__billing_document_items') }}
    where not is_removed
    group by connection, billing_document_id
),

posted as (
    select
        connection,
        company_id,
        fiscal_year,
        accounting_document_id,
        min(due_date) as due_date,
        max(nullif(special_gl_code, '')) as special_gl_code
    from {{ ref('stg_sap_s4hana__accounting_items') }}
    where not is_removed and document_type in ('RV', 'DR')
    group by connection, company_id, fiscal_year, accounting_document_id
),

-- what is open now; a part payment or a credit is an open line of its own that names the invoice
due as (
    select connection, company_id, fiscal_year, accounting_document_id, sum(amount) as amount
    from {{ ref('stg_sap_s4hana__open_items') }}
    where not is_removed
    group by connection, company_id, fiscal_year, accounting_document_id
),

part_paid as (
    select
        item.connection,
        item.company_id,
        item.invoice_reference_fiscal_year as fiscal_year,
        item.invoice_reference as accounting_document_id,
        sum(item.amount) as amount
    from {{ ref('stg_sap_s4hana__accounting_items') }} as item
    inner join {{ ref('stg_sap_s4hana__open_items') }} as still
        on item.connection = still.connection and item.company_id = still.company_id and item.fiscal_year = still.fiscal_year
            and item.accounting_document_id = still.accounting_document_id and item.accounting_document_item = still.accounting_document_item
    where not item.is_removed and not still.is_removed and item.invoice_reference <> '' and coalesce(item.payment_blocking_reason, '') = ''
    group by item.connection, item.company_id, item.invoice_reference_fiscal_year, item.invoice_reference
)

select
    document.connection,
    document.billing_document_id as invoice_id,
    document.billing_document_id as number,
    nullif(document.customer_reference, '') as billing_invoice_id,
    nullif(document.document_reference, '') as billing_number,
    document.customer_id as customer_record_id,
    document.company_id,
    cast(null as {{ sql_type('string') }}) as subscription_id,
    lines.order_id as erp_order_id,
    case
        when document.is_cancelled then 'cancelled'
        when document.invoice_clearing_status not in ('', 'A', 'B', 'C') then document.invoice_clearing_status
        when document.accounting_transfer_status not in ('', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I') then document.accounting_transfer_status
        when document.accounting_transfer_status in ('', 'A', 'B', 'F', 'G') then 'not_posted'
        when posted.special_gl_code = 'E' then 'doubtful'
        when due.amount is not null and part_paid.amount is not null then 'partially_cleared'
        when due.amount is not null then 'open'
        when posted.accounting_document_id is not null then 'cleared'
        when document.invoice_clearing_status = 'C' then 'cleared'
        when document.invoice_clearing_status = 'B' then 'partially_cleared'
        else 'open'
    end as status_raw,
    coalesce(document.is_cancelled, false) as is_voided,
    document.currency,
    {{ money('document.total_gross_amount') }} as total_amount,
    {{ money('document.tax_amount') }} as tax_amount,
    cast(null as {{ sql_type('money') }}) as paid_amount,
    {{ money("case when document.is_cancelled then 0 when posted.accounting_document_id is null then document.total_gross_amount else coalesce(due.amount, 0) + case when due.amount is null then 0 else coalesce(part_paid.amount, 0) end end") }} as open_amount,
    document.billing_document_date as invoice_date,
    posted.due_date,
    document.created_at as finalized_at,
    document.updated_at as status_changed_at,
    document.created_at,
    document.updated_at
from {{ ref('stg_sap_s4hana__billing_documents') }} as document
left join lines on document.connection = lines.connection and document.billing_document_id = lines.billing_document_id
left join posted
    on document.connection = posted.connection and document.company_id = posted.company_id and document.fiscal_year = posted.fiscal_year
        and document.accounting_document_id = posted.accounting_document_id
left join due
    on document.connection = due.connection and document.company_id = due.company_id and document.fiscal_year = due.fiscal_year
        and document.accounting_document_id = due.accounting_document_id
left join part_paid
    on document.connection = part_paid.connection and document.company_id = part_paid.company_id
        and document.fiscal_year = part_paid.fiscal_year and document.accounting_document_id = part_paid.accounting_document_id
where not document.is_removed and document.document_category in ('M', 'P')
