select
    connection,
    ticket_id as case_id,
    ticket_id as number,
    organization_id as customer_record_id,
    requester_id as contact_id,
    assignee_id,
    subject,
    ticket_type as type_raw,
    priority as priority_raw,
    status_raw,
    nullif(order_number, '') as order_number,
    {{ has_item('tags', "'concord_credit_hold'") }} as has_hold_flag,
    {{ has_item('tags', "'concord_lapsed_cover'") }} as has_lapsed_flag,
    tags,
    {{ iso_text('updated_at', '%Y-%m-%dT%H:%M:%SZ') }} as version,
    solved_at,
    created_at,
    updated_at
from {{ ref('stg_zendesk__tickets') }}
where not is_removed
