select
    document.connection,
    document.credit_note_id,
    document.credit_note_id as billing_credit_note_id,
    document.number,
    document.customer_id as customer_record_id,
    nullif(document.business_entity_id, '') as company_id,
    document.reference_invoice_id as billing_invoice_id,
    document.status_raw,
    coalesce(document.create_reason_code, document.reason_code) as reason,
    document.currency,
    {{ from_minor('document.total_minor', 'unit.minor_size') }} as total_amount,
    document.issued_at
from {{ ref('stg_chargebee__credit_notes') }} as document
left join {{ ref('currency') }} as unit on unit.system = 'chargebee' and document.currency = unit.currency
where not document.is_removed
