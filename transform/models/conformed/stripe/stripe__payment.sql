select
    document.connection,
    document.charge_id as payment_id,
    document.charge_id as billing_payment_id,
    document.customer_id as customer_record_id,
    cast(null as {{ sql_type('string') }}) as company_id,
    document.invoice_id as billing_invoice_id,
    document.status_raw,
    document.currency,
    {{ from_minor('document.amount_minor', 'unit.minor_size') }} as amount,
    document.created_at as paid_at
from {{ ref('stg_stripe__charges') }} as document
left join {{ ref('currency') }} as unit on unit.system = 'stripe' and document.currency = unit.currency
where not document.is_removed
