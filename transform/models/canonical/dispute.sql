with disputes as (
    {{ conformed('dispute') }}
)

select
    document.connection || ':' || document.dispute_id as dispute_key,
    document.connection,
    document.dispute_id,
    link.customer_id,
    {{ legal_entity_of('null', 'document.connection') }} as company_id,
    {{ region_of_connection('document.connection') }} as region,
    document.payment_id,
    document.invoice_id,
    {{ decoded('dispute', 'status', 'document.system', 'document.status_raw') }} as status,
    document.status_raw,
    document.reason,
    document.currency,
    document.amount,
    document.opened_at,
    document.due_at,
    document.updated_at
from disputes as document
left join {{ ref('crosswalk') }} as link on document.connection = link.connection and document.customer_record_id = link.record_id
