with returns as (
    {{ conformed('return_order') }}
)

select
    document.connection || ':' || document.return_id as return_key,
    document.connection,
    document.return_id,
    document.number,
    document.order_id,
    document.invoice_id,
    link.customer_id,
    {{ legal_entity_of('document.company_id', 'document.connection') }} as company_id,
    {{ region_of_connection('document.connection') }} as region,
    {{ decoded('return', 'status', 'document.system', 'document.status_raw') }} as status,
    document.status_raw,
    document.reason,
    document.currency,
    document.amount,
    document.due_at,
    document.received_at,
    document.created_at,
    document.updated_at
from returns as document
left join {{ ref('crosswalk') }} as link on document.connection = link.connection and document.customer_record_id = link.record_id
