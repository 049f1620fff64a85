select
    document.connection,
    document.refund_id,
    document.refund_id as billing_refund_id,
    charge.customer_id as customer_record_id,
    cast(null as {{ sql_type('string') }}) as company_id,
    document.charge_id as billing_payment_id,
    note.credit_note_id,
    document.status_raw,
    document.currency,
    {{ from_minor('document.amount_minor', 'unit.minor_size') }} as amount,
    document.created_at as refunded_at
from {{ ref('stg_stripe__refunds') }} as document
left join {{ ref('stg_stripe__charges') }} as charge on document.connection = charge.connection and document.charge_id = charge.charge_id
left join {{ ref('stg_stripe__credit_notes') }} as note
    on document.connection = note.connection and document.refund_id = note.refund_id and not note.is_removed
left join {{ ref('currency') }} as unit on unit.system = 'stripe' and document.currency = unit.currency
where not document.is_removed
