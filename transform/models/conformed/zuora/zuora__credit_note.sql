select
    connection,
    credit_memo_id as credit_note_id,
    credit_memo_id as billing_credit_note_id,
    memo_number as number,
    account_id as customer_record_id,
    cast(null as {{ sql_type('string') }}) as company_id,
    invoice_id as billing_invoice_id,
    status_raw,
    reason_code as reason,
    currency,
    {{ money('total_amount') }} as total_amount,
    coalesce(posted_at, created_at) as issued_at
from {{ ref('stg_zuora__credit_memos') }}
where not is_removed
