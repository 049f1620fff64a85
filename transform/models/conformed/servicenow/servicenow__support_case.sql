select
    document.connection,
    document.case_id,
    document.number,
    document.account_id as customer_record_id,
    document.contact_id,
    coalesce(assignee.user_name, document.assignee_id) as assignee_id,
    document.subject,
    document.category_raw as type_raw,
    document.priority_raw,
    document.status_raw,
    document.order_number,
    coalesce(document.has_credit_hold, false) as has_hold_flag,
    coalesce(document.has_lapsed_cover, false) as has_lapsed_flag,
    cast(null as {{ sql_type('strings') }}) as tags,
    {{ iso_text('document.updated_at', '%Y-%m-%d %H:%M:%S') }} as version,
    -- closed without having been resolved is solved, cancelled is not
    coalesce(document.resolved_at, case when document.status_raw <> '7' then document.closed_at end) as solved_at,
    coalesce(document.opened_at, document.created_at) as created_at,
    document.updated_at
from {{ ref('stg_servicenow__cases') }} as document
left join {{ ref('stg_servicenow__users') }} as assignee
    on document.connection = assignee.connection and document.assignee_id = assignee.user_id
where not document.is_removed
