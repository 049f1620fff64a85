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

union all

-- a site without the object for disputes records a lost one as money that was taken back
select
    document.connection,
    document.transaction_id as dispute_id,
    coalesce(document.customer_id, payment.customer_id) as customer_record_id,
    payment.transaction_id as payment_id,
    payment.invoice_id,
    case
        when document.status_raw = 'success' then 'lost'
        when document.status_raw in ('in_progress', 'needs_attention') then 'in_review'
        when document.status_raw in ('voided', 'failure', 'timeout', 'late_failure') then 'cancelled'
        else document.status_raw
    end as status_raw,
    coalesce(document.error_text, document.payment_method) as reason,
    document.currency,
    {{ from_minor('document.amount_minor', 'unit.minor_size') }} as amount,
    document.transacted_at as opened_at,
    cast(null as {{ sql_type('timestamp') }}) as due_at,
    coalesce(document.changed_at, document.transacted_at) as updated_at
from {{ ref('stg_chargebee__transactions') }} as document
left join {{ ref('stg_chargebee__transactions') }} as payment
    on document.connection = payment.connection and not payment.is_removed and payment.type_raw = 'payment'
        and (payment.reversal_transaction_id = document.transaction_id or payment.transaction_id = document.reference_transaction_id)
left join {{ ref('stg_chargebee__disputes') }} as told
    on payment.connection = told.connection and payment.transaction_id = told.transaction_id and not told.is_removed
left join {{ ref('currency') }} as unit on unit.system = 'chargebee' and document.currency = unit.currency
where not document.is_removed and document.type_raw = 'payment_reversal' and told.dispute_id is null
