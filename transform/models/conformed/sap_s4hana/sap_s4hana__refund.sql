-- money that goes out to a customer; the credit memo that it pays out was cleared by it
with credits as (
    select item.connection, item.company_id, item.clearing_fiscal_year, item.clearing_document_id, min(item.billing_document_id) as credit_note_id
    from {{ ref('stg_sap_s4hana__accounting_items') }} as item
    inner join {{ ref('stg_sap_s4hana__billing_documents') }} as document
        on item.connection = document.connection and item.billing_document_id = document.billing_document_id and document.document_category = 'O'
    where not item.is_removed and item.document_type in ('DG', 'RV') and item.clearing_document_id <> ''
    group by item.connection, item.company_id, item.clearing_fiscal_year, item.clearing_document_id
)

select
    item.connection,
    item.posting_id as refund_id,
    item.item_text as billing_refund_id,
    item.customer_id as customer_record_id,
    item.company_id,
    cast(null as {{ sql_type('string') }}) as billing_payment_id,
    credits.credit_note_id,
    item.status_raw,
    item.currency,
    {{ money('item.amount') }} as amount,
    cast(item.posting_date as {{ sql_type('timestamp') }}) as refunded_at
from ({{ sap_s4hana_money_postings('S') }}) as item
left join credits
    on item.connection = credits.connection and item.company_id = credits.company_id and item.fiscal_year = credits.clearing_fiscal_year
        and item.accounting_document_id = credits.clearing_document_id
