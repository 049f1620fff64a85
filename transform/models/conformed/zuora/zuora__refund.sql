with links as (
    select connection, refund_id, min(payment_id) as payment_id, min(credit_memo_id) as credit_memo_id
    from {{ ref('stg_zuora__refund_applications') }}
    where not is_removed
    group by connection, refund_id
)

select
    document.connection,
    document.refund_id,
    document.refund_id as billing_refund_id,
    document.account_id as customer_record_id,
    cast(null as {{ sql_type('string') }}) as company_id,
    links.payment_id as billing_payment_id,
    links.credit_memo_id as credit_note_id,
    document.status_raw,
    document.currency,
    {{ money('document.amount') }} as amount,
    document.created_at as refunded_at
from {{ ref('stg_zuora__refunds') }} as document
left join links on document.connection = links.connection and document.refund_id = links.refund_id
where not document.is_removed and coalesce(document.reason_code, '') <> 'Chargeback'
