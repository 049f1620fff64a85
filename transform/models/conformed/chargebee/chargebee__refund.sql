select
    document.connection,
    document.transaction_id as refund_id,
    document.transaction_id as billing_refund_id,
    document.customer_id as customer_record_id,
    nullif(document.business_entity_id, '') as company_id,
    document.refunded_transaction_id as billing_payment_id,
    document.credit_note_id,
    document.status_raw,
    document.currency,
    {{ from_minor('document.amount_minor', 'unit.minor_size') }} as amount,
    document.transacted_at as refunded_at
from {{ ref('stg_chargebee__transactions') }} as document
left join {{ ref('currency') }} as unit on unit.system = 'chargebee' and document.currency = unit.currency
where not document.is_removed and document.type_raw = 'refund'
