select
    document.connection,
    document.dispute_id,
    charge.customer_id as customer_record_id,
    document.charge_id as payment_id,
    charge.invoice_id,
    document.status_raw,
    document.reason,
    document.currency,
    {{ from_minor('document.amount_minor', 'unit.minor_size') }} as amount,
    document.created_at as opened_at,
    document.due_at,
    coalesce(document.changed_at, document.created_at) as updated_at
from {{ ref('stg_stripe__disputes') }} as document
left join {{ ref('stg_stripe__charges') }} as charge on document.connection = charge.connection and document.charge_id = charge.charge_id
left join {{ ref('currency') }} as unit on unit.system = 'stripe' and document.currency = unit.currency
where not document.is_removed
