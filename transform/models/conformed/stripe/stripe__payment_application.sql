select
    document.connection,
    document.invoice_payment_id as application_id,
    document.charge_id as payment_id,
    cast(null as {{ sql_type('string') }}) as credit_note_id,
    document.invoice_id,
    document.currency,
    {{ from_minor('document.paid_minor', 'unit.minor_size') }} as amount,
    coalesce(document.paid_at, document.created_at) as applied_at
from {{ ref('stg_stripe__invoice_payments') }} as document
left join {{ ref('currency') }} as unit on unit.system = 'stripe' and document.currency = unit.currency
where not document.is_removed and document.status_raw = 'paid'
