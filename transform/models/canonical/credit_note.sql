select
    note.connection || ':' || note.credit_note_id as credit_note_key,
    note.connection,
    'billing' as role,
    note.credit_note_id,
    note.credit_note_id as billing_credit_note_id,
    note.number,
    link.customer_id,
    note.invoice_id as billing_invoice_id,
    {{ value_of('credit_note', 'status', 'stripe', 'note.status_raw') }} as status,
    note.status_raw,
    note.currency,
    {{ from_minor('note.total_minor', 'unit.minor_size') }} as total_amount,
    note.total_minor,
    note.created_at as issued_at
from {{ ref('stg_stripe__credit_notes') }} as note
left join {{ ref('currency') }} as unit on unit.system = 'stripe' and note.currency = unit.currency
left join {{ ref('crosswalk') }} as link on note.connection = link.connection and note.customer_id = link.record_id
where not note.is_removed

union all

select
    connection || ':' || transaction_id as credit_note_key,
    connection,
    'erp' as role,
    transaction_id as credit_note_id,
    nullif(external_id, '') as billing_credit_note_id,
    number,
    golden_customer_id as customer_id,
    null as billing_invoice_id,
    {{ value_of('credit_note', 'status', 'netsuite', 'status_raw') }} as status,
    status_raw,
    currency,
    {{ money('abs(total_amount)') }} as total_amount,
    {{ to_minor('abs(total_amount)', 'minor_units') }} as total_minor,
    created_at as issued_at
from {{ ref('erp_transaction') }}
where transaction_type = 'CustCred'
