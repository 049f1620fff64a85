{#- There is no object for disputes: a chargeback is recorded as a refund of the payment. -#}
with links as (
    select connection, refund_id, min(payment_id) as payment_id
    from {{ ref('stg_zuora__refund_applications') }}
    where not is_removed
    group by connection, refund_id
),

paid as (
    select connection, payment_id, min(invoice_id) as invoice_id
    from {{ ref('stg_zuora__payment_applications') }}
    where not is_removed and apply_amount > 0
    group by connection, payment_id
)

select
    document.connection,
    document.refund_id as dispute_id,
    document.account_id as customer_record_id,
    links.payment_id,
    paid.invoice_id,
    document.status_raw,
    coalesce(document.comment, document.reason_code) as reason,
    document.currency,
    {{ money('document.amount') }} as amount,
    document.created_at as opened_at,
    cast(null as {{ sql_type('timestamp') }}) as due_at,
    document.updated_at
from {{ ref('stg_zuora__refunds') }} as document
left join links on document.connection = links.connection and document.refund_id = links.refund_id
left join paid on links.connection = paid.connection and links.payment_id = paid.payment_id
where not document.is_removed and document.reason_code = 'Chargeback'
