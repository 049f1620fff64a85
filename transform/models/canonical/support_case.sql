with cases as (
    {{ conformed('support_case') }}
),

decoded as (
    select
        *,
        {{ decoded('case', 'status', 'system', 'status_raw') }} as status,
        {{ decoded('case', 'priority', 'system', 'priority_raw') }} as priority
    from cases
)

select
    document.connection || ':' || document.case_id as case_key,
    document.connection,
    document.system,
    document.case_id,
    document.number,
    document.customer_record_id,
    link.customer_id,
    {{ legal_entity_of('null', 'document.connection') }} as company_id,
    {{ region_of_connection('document.connection') }} as region,
    document.contact_id,
    document.assignee_id,
    document.subject,
    document.type_raw,
    document.priority,
    document.priority_raw,
    document.status,
    document.status_raw,
    coalesce(document.status not in ('solved', 'closed'), true) as is_open,
    document.order_number,
    coalesce(document.has_hold_flag, false) as has_hold_flag,
    coalesce(document.has_lapsed_flag, false) as has_lapsed_flag,
    document.tags,
    document.version,
    document.solved_at,
    document.created_at,
    document.updated_at
from decoded as document
left join {{ ref('crosswalk') }} as link on document.connection = link.connection and document.customer_record_id = link.record_id
