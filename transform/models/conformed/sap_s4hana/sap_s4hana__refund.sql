-- money that goes out to a customer; the credit memo that it pays out was cleared by it
with credits as (
    select item.connection, item.company_id, item.clearing_fiscal_year, item.clearing_document_id, min(item.billing_document_id) as credit_note_id
    from {{ ref('stg_sap_s4hana__accounting_items') }} as item
    inner join {{ ref('stg_sap_s4hana__billing_documents') }} as document
        on item.connection = document.connection and item.billing_document_id = document.billing_document_id and document.document_category = 'O'
    where not item.is_removed and item.document_type in ('DG', 'RV') and item.clearing_document_id <> ''
    group by item.connection, item.company_id, item.clearing_fiscal_year, item.clearing_document_id
),

lines as (
    {{ sap_s4hana_money_lines() }}
),

postings as (
    select
        connection,
        posting_id,
        company_id,
        fiscal_year,
        accounting_document_id,
        min(nullif(item_text, '')) as item_text,
        min(customer_id) as customer_id,
        max(case when is_reversed then 1 else 0 end) as is_reversed,
        max(nullif(payment_blocking_reason, '')) as payment_blocking_reason,
        min(case when is_cleared or debit_credit_code <> 'S' then 1 else 0 end) as is_cleared,
        min(currency) as currency,
        min(-received_amount) as amount,
        min(posting_date) as posting_date
    from lines
    where received_amount < 0
    group by connection, posting_id, company_id, fiscal_year, accounting_document_id
)

select
    item.connection,
    item.posting_id as refund_id,
    item.item_text as billing_refund_id,
    item.customer_id as customer_record_id,
    item.company_id,
    cast(null as {{ sql_type('string') }}) as billing_payment_id,
    credits.credit_note_id,
    case
        when item.is_reversed = 1 then 'reversed'
        when item.payment_blocking_reason is not null then item.payment_blocking_reason
        when item.is_cleared = 1 then 'cleared'
        else 'posted'
    end as status_raw,
    item.currency,
    {{ money('item.amount') }} as amount,
    cast(item.posting_date as {{ sql_type('timestamp') }}) as refunded_at
from postings as item
left join credits
    on item.connection = credits.connection and item.company_id = credits.company_id and item.fiscal_year = credits.clearing_fiscal_year
        and item.accounting_document_id = credits.clearing_document_id
