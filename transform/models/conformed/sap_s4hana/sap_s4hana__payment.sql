select
    connection,
    company_id || ':' || fiscal_year || ':' || accounting_document_id as payment_id,
    nullif(item_text, '') as billing_payment_id,
    customer_id as customer_record_id,
    company_id,
    cast(null as {{ sql_type('string') }}) as billing_invoice_id,
    case
        when is_reversed then 'reversed'
        when coalesce(payment_blocking_reason, '') <> '' then payment_blocking_reason
        when is_cleared then 'cleared'
        else 'posted'
    end as status_raw,
    currency,
    {{ money('abs(amount)') }} as amount,
    cast(posting_date as {{ sql_type('timestamp') }}) as paid_at
from {{ ref('stg_sap_s4hana__accounting_items') }}
where not is_removed and document_type = 'DZ' and debit_credit_code = 'H' and not coalesce(is_reversal, false)
