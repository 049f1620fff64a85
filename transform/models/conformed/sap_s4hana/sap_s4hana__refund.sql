-- money that goes out to a customer; the credit memo that it pays out was cleared by it
with credits as (
    select connection, company_id, clearing_fiscal_year, clearing_document_id, min(billing_document_id) as credit_note_id
    from {{ ref('stg_sap_s4hana__accounting_items') }}
    where not is_removed and document_type = 'DG' and clearing_document_id <> ''
    group by connection, company_id, clearing_fiscal_year, clearing_document_id
)

select
    item.connection,
    item.company_id || ':' || item.fiscal_year || ':' || item.accounting_document_id as refund_id,
    nullif(item.item_text, '') as billing_refund_id,
    item.customer_id as customer_record_id,
    item.company_id,
    cast(null as {{ sql_type('string') }}) as billing_payment_id,
    credits.credit_note_id,
    case
        when item.is_reversed then 'reversed'
        when coalesce(item.payment_blocking_reason, '') <> '' then item.payment_blocking_reason
        when item.is_cleared then 'cleared'
        else 'posted'
    end as status_raw,
    item.currency,
    {{ money('abs(item.amount)') }} as amount,
    cast(item.posting_date as {{ sql_type('timestamp') }}) as refunded_at
from {{ ref('stg_sap_s4hana__accounting_items') }} as item
left join credits
    on item.connection = credits.connection and item.company_id = credits.company_id and item.fiscal_year = credits.clearing_fiscal_year
        and item.accounting_document_id = credits.clearing_document_id
where not item.is_removed and item.document_type = 'DZ' and item.debit_credit_code = 'S' and not coalesce(item.is_reversal, false)
