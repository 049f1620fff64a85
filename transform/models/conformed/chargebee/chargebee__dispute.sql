select
    document.connection,
    document.dispute_id,
    coalesce(document.customer_id, payment.customer_id) as customer_record_id,
    document.transaction_id as payment_id,
    payment.invoice_id,
    document.status_raw,
    document.reason,
    document.currency,
    {{ from_minor('document.amount_minor', 'unit.minor_size') }} as amount,
    document.created_at as opened_at,
    cast(null as {{ sql_type('timestamp') }}) as due_at,
    coalesce(document.changed_at, document.created_at) as updated_at
from {{ ref('stg_chargebee__disputes') }} as document
left join {{ ref('stg_chargebee__transactions') }} as payment
    on document.connection = payment.connection and document.transaction_id = payment.transaction_id
left join {{ ref('currency') }} as unit on unit.system = 'chargebee' and document.currency = unit.currency
where not document.is_removed
