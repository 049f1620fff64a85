-- an invoice and what settles it carry the same clearing document; a part payment that is still open names the invoice instead
with documents as (
    select connection, billing_document_id, document_category
    from {{ ref('stg_sap_s4hana__billing_documents') }}
    where not is_removed
),

items as (
    select
        item.*,
        item.company_id || ':' || item.fiscal_year || ':' || item.accounting_document_id as posting_id,
        documents.document_category
    from {{ ref('stg_sap_s4hana__accounting_items') }} as item
    left join documents on item.connection = documents.connection and item.billing_document_id = documents.billing_document_id
    where not item.is_removed and not coalesce(item.is_reversed, false) and not coalesce(item.is_reversal, false)
        and item.document_type in ('RV', 'DR', 'DG')
),

invoices as (
    select
        connection,
        company_id,
        fiscal_year,
        accounting_document_id,
        billing_document_id,
        currency,
        posting_date,
        abs(amount) as amount,
        clearing_document_id,
        clearing_fiscal_year,
        count(*) over (partition by connection, company_id, clearing_fiscal_year, clearing_document_id) as invoices_cleared
    from items
    where document_type in ('RV', 'DR') and debit_credit_code = 'S' and billing_document_id <> '' and coalesce(document_category, 'M') in ('M', 'P')
),

-- billing posts its credit memos as it posts its invoices, or under the type of their own
settling as (
    select
        connection, company_id, posting_id, posting_id as payment_id, cast(null as {{ sql_type('string') }}) as credit_note_id, currency, abs(amount) as amount,
        received_amount, is_cleared, clearing_document_id, clearing_fiscal_year, clearing_date, posting_date, invoice_reference, invoice_reference_fiscal_year
    from ({{ sap_s4hana_money_lines() }}) as money
    where debit_credit_code = 'H' and received_amount > 0 and not coalesce(is_reversed, false) and coalesce(payment_blocking_reason, '') = ''

    union all

    select
        connection, company_id, posting_id, cast(null as {{ sql_type('string') }}) as payment_id, billing_document_id as credit_note_id, currency, abs(amount) as amount,
        abs(amount) as received_amount, is_cleared, clearing_document_id, clearing_fiscal_year, clearing_date, posting_date, invoice_reference, invoice_reference_fiscal_year
    from items
    where debit_credit_code = 'H' and coalesce(payment_blocking_reason, '') = '' and (document_type = 'DG' or (document_type = 'RV' and document_category = 'O'))
),

-- what is not money stands on a line of the other side: no more than what was received settles anything
cleared as (
    select
        connection, company_id, posting_id, payment_id, credit_note_id, currency, clearing_fiscal_year, clearing_document_id,
        max(clearing_date) as applied_date,
        min(posting_date) as posting_date,
        least(sum(amount), min(received_amount)) as amount
    from settling
    where is_cleared and clearing_document_id <> ''
    group by connection, company_id, posting_id, payment_id, credit_note_id, currency, clearing_fiscal_year, clearing_document_id
),

-- of several invoices that were cleared together nobody says which was settled by what: the oldest is settled first
owed as (
    select
        *,
        sum(amount) over (
            partition by connection, company_id, clearing_fiscal_year, clearing_document_id, currency
            order by posting_date, fiscal_year, accounting_document_id, billing_document_id rows between unbounded preceding and current row
        ) as amount_up_to
    from (
        select
            connection, company_id, fiscal_year, accounting_document_id, billing_document_id, currency, clearing_fiscal_year, clearing_document_id,
            min(posting_date) as posting_date,
            sum(amount) as amount
        from invoices
        where invoices_cleared > 1 and clearing_document_id <> ''
        group by connection, company_id, fiscal_year, accounting_document_id, billing_document_id, currency, clearing_fiscal_year, clearing_document_id
    ) as document
),

offered as (
    select
        *,
        sum(amount) over (
            partition by connection, company_id, clearing_fiscal_year, clearing_document_id, currency
            order by posting_date, posting_id rows between unbounded preceding and current row
        ) as amount_up_to
    from cleared
),

links as (
    select cleared.connection, cleared.posting_id, cleared.payment_id, cleared.credit_note_id, invoices.billing_document_id as invoice_id, cleared.currency,
        cleared.amount, cleared.applied_date
    from cleared
    inner join invoices
        on cleared.connection = invoices.connection and cleared.company_id = invoices.company_id
            and cleared.clearing_fiscal_year = invoices.clearing_fiscal_year and cleared.clearing_document_id = invoices.clearing_document_id
            and invoices.invoices_cleared = 1

    union all

    select offered.connection, offered.posting_id, offered.payment_id, offered.credit_note_id, owed.billing_document_id as invoice_id, offered.currency,
        least(offered.amount_up_to, owed.amount_up_to) - greatest(offered.amount_up_to - offered.amount, owed.amount_up_to - owed.amount) as amount,
        offered.applied_date
    from offered
    inner join owed
        on offered.connection = owed.connection and offered.company_id = owed.company_id and offered.currency = owed.currency
            and offered.clearing_fiscal_year = owed.clearing_fiscal_year and offered.clearing_document_id = owed.clearing_document_id
            and offered.amount_up_to > owed.amount_up_to - owed.amount and owed.amount_up_to > offered.amount_up_to - offered.amount

    union all

    select settling.connection, settling.posting_id, settling.payment_id, settling.credit_note_id, invoices.billing_document_id as invoice_id, settling.currency,
        settling.amount, settling.posting_date as applied_date
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
    payment_id,
    credit_note_id,
    invoice_id,
    currency,
    {{ money('sum(amount)') }} as amount,
    cast(max(applied_date) as {{ sql_type('timestamp') }}) as applied_at
from links
group by connection, posting_id, payment_id, credit_note_id, invoice_id, currency
