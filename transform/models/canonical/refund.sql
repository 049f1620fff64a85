select
    refund.connection || ':' || refund.refund_id as refund_key,
    refund.connection,
    'billing' as role,
    refund.refund_id,
    refund.refund_id as billing_refund_id,
    link.customer_id,
    refund.charge_id as billing_payment_id,
    {{ value_of('refund', 'status', 'stripe', 'refund.status_raw') }} as status,
    refund.status_raw,
    refund.currency,
    {{ from_minor('refund.amount_minor', 'unit.minor_size') }} as amount,
    refund.amount_minor,
    refund.created_at as refunded_at
from {{ ref('stg_stripe__refunds') }} as refund
left join {{ ref('stg_stripe__charges') }} as charge on refund.connection = charge.connection and refund.charge_id = charge.charge_id
left join {{ ref('currency') }} as unit on unit.system = 'stripe' and refund.currency = unit.currency
left join {{ ref('crosswalk') }} as link on charge.connection = link.connection and charge.customer_id = link.record_id
where not refund.is_removed

union all

select
    connection || ':' || transaction_id as refund_key,
    connection,
    'erp' as role,
    transaction_id as refund_id,
    nullif(external_id, '') as billing_refund_id,
    golden_customer_id as customer_id,
    null as billing_payment_id,
    {{ value_of('refund', 'status', 'netsuite', 'status_raw') }} as status,
    status_raw,
    currency,
    {{ money('abs(total_amount)') }} as amount,
    {{ to_minor('abs(total_amount)', 'minor_units') }} as amount_minor,
    created_at as refunded_at
from {{ ref('erp_transaction') }}
where transaction_type = 'CustRfnd'
