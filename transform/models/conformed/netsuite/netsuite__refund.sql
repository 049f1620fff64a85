with heads as (
    {{ netsuite_heads(['CustRfnd']) }}
)

select
    document.connection,
    document.transaction_id as refund_id,
    nullif(document.external_id, '') as billing_refund_id,
    document.customer_id as customer_record_id,
    heads.subsidiary_id as company_id,
    cast(null as {{ sql_type('string') }}) as billing_payment_id,
    heads.source_id as credit_note_id,
    case when coalesce(document.is_voided, false) then 'V' else document.status_raw end as status_raw,
    money.currency,
    {{ money('abs(document.total_amount)') }} as amount,
    document.created_at as refunded_at
from {{ ref('stg_netsuite__transactions') }} as document
left join {{ ref('stg_netsuite__currencies') }} as money
    on document.connection = money.connection and document.currency_id = money.currency_id
left join heads on document.connection = heads.connection and document.transaction_id = heads.transaction_id
where not document.is_removed and document.transaction_type = 'CustRfnd'
