select
    charge.connection || ':' || charge.charge_id as payment_key,
    charge.connection,
    'billing' as role,
    charge.charge_id as payment_id,
    charge.charge_id as billing_payment_id,
    link.customer_id,
    charge.invoice_id as billing_invoice_id,
    {{ value_of('payment', 'status', 'stripe', 'charge.status_raw') }} as status,
    charge.status_raw,
    charge.currency,
    {{ from_minor('charge.amount_minor', 'unit.minor_size') }} as amount,
    charge.amount_minor,
    charge.created_at as paid_at
from {{ ref('stg_stripe__charges') }} as charge
left join {{ ref('currency') }} as unit on unit.system = 'stripe' and charge.currency = unit.currency
left join {{ ref('crosswalk') }} as link on charge.connection = link.connection and charge.customer_id = link.record_id
where not charge.is_removed

union all

select
    connection || ':' || transaction_id as payment_key,
    connection,
    'erp' as role,
    transaction_id as payment_id,
    nullif(external_id, '') as billing_payment_id,
    golden_customer_id as customer_id,
    null as billing_invoice_id,
    {{ value_of('payment', 'status', 'netsuite', 'status_raw') }} as status,
    status_raw,
    currency,
    {{ money('abs(total_amount)') }} as amount,
    {{ to_minor('abs(total_amount)', 'minor_units') }} as amount_minor,
    created_at as paid_at
from {{ ref('erp_transaction') }}
where transaction_type = 'CustPymt'
