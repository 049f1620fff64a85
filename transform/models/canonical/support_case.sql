with tickets as (
    select *, {{ value_of('case', 'status', 'zendesk', 'status_raw') }} as status
    from {{ ref('stg_zendesk__tickets') }}
    where not is_removed
)

select
    ticket.connection || ':' || ticket.ticket_id as case_key,
    ticket.connection,
    ticket.ticket_id as case_id,
    ticket.organization_id as customer_record_id,
    link.customer_id,
    ticket.subject,
    ticket.priority,
    ticket.status,
    ticket.status_raw,
    coalesce(ticket.status not in ('solved', 'closed'), true) as is_open,
    ticket.order_number,
    ticket.tags,
    ticket.created_at,
    ticket.updated_at
from tickets as ticket
left join {{ ref('crosswalk') }} as link on ticket.connection = link.connection and ticket.organization_id = link.record_id
