with applied as (
    select connection, payment_id, min(invoice_id) as invoice_id
    from {{ ref('stg_zuora__payment_applications') }}
    where not is_removed and apply_amount > 0
    group by connection, payment_id
)

select
    document.connection,
    document.payment_id,
    document.payment_id as billing_payment_id,
    document.account_id as customer_record_id,
    cast(null as {{ sql_type('string') }}) as company_id,
    applied.invoice_id as billing_invoice_id,
    document.status_raw,
    document.currency,
    {{ money('document.amount') }} as amount,
    -- money that came past Zuora is entered later than it came
    coalesce(
        document.settled_at,
        case when document.type = 'External' and document.effective_date < cast(document.created_at as date)
            then cast(document.effective_date as {{ sql_type('timestamp') }}) end,
        document.created_at
    ) as paid_at
from {{ ref('stg_zuora__payments') }} as document
left join applied on document.connection = applied.connection and document.payment_id = applied.payment_id
where not document.is_removed
