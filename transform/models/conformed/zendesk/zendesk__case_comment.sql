select
    connection,
    ticket_event_id as comment_id,
    ticket_id as case_id,
    coalesce(comment_author_id, updater_id) as author_id,
    comment_public as is_public,
    cast(null as {{ sql_type('boolean') }}) as is_from_agent,
    created_at
from {{ ref('stg_zendesk__ticket_events') }}
where not is_removed and event_type = 'Comment'
