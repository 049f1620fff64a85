select
    connection,
    posting_id as payment_id,
    item_text as billing_payment_id,
    customer_id as customer_record_id,
    company_id,
    cast(null as {{ sql_type('string') }}) as billing_invoice_id,
    status_raw,
    currency,
    {{ money('amount') }} as amount,
    cast(posting_date as {{ sql_type('timestamp') }}) as paid_at
from ({{ sap_s4hana_money_postings('H') }}) as posting
