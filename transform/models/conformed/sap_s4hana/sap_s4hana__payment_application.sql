-- an invoice and what settles it carry the same clearing document; a part payment that is still open names the invoice instead
with items as (
    select
        *,
        company_id || ':' || fiscal_year || ':' || accounting_document_id as posting_id
    from {{ ref('stg_sap_s4hana__accounting_items') }}
    where not is_removed and not coalesce(is_reversed, false) and not coalesce(is_reversal, false)
),

invoices as (
    select
        connection,
        company_id,
        fiscal_year,
        accounting_document_id,
        billing_document_id,
        currency,
        clearing_document_id,
        clearing_fiscal_year,
        count(*) over (partition by connection, company_id, clearing_fiscal_year, clearing_document_id) as invoices_cleared
    from items
    where document_type in ('RV', 'DR') and debit_credit_code = 'S' and billing_document_id <> ''
),

settling as (
    select * from items where debit_credit_code = 'H' and document_type in ('DZ', 'DG') and coalesce(payment_blocking_reason, '') = ''
),

links as (
    select settling.connection, settling.posting_id, settling.document_type, settling.billing_document_id as credit_note_id,
        invoices.billing_document_id as invoice_id, settling.currency, settling.amount, settling.clearing_date as applied_date
    from settling
    inner join invoices
        on settling.connection = invoices.connection and settling.company_id = invoices.company_id
            and settling.clearing_fiscal_year = invoices.clearing_fiscal_year and settling.clearing_document_id = invoices.clearing_document_id
            and invoices.invoices_cleared = 1
    where settling.is_cleared and settling.clearing_document_id <> ''

    union all

    select settling.connection, settling.posting_id, settling.document_type, settling.billing_document_id as credit_note_id,
        invoices.billing_document_id as invoice_id, settling.currency, settling.amount, settling.posting_date as applied_date
    from settling
    inner join invoices
        on settling.connection = invoices.connection and settling.company_id = invoices.company_id
            and settling.invoice_reference = invoices.accounting_document_id
            and settling.invoice_reference_fiscal_year = invoices.fiscal_year
    where not coalesce(settling.is_cleared, false)
)

select
    connection,
    posting_id || ':' || invoice_id as application_id,
    case when document_type = 'DZ' then posting_id end as payment_id,
    case when document_type = 'DG' then credit_note_id end as credit_note_id,
    invoice_id,
    currency,
    {{ money('abs(amount)') }} as amount,
    cast(applied_date as {{ sql_type('timestamp') }}) as applied_at
from links
