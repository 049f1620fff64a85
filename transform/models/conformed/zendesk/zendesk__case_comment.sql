select
    document.connection,
    document.ticket_event_id as comment_id,
    document.ticket_id as case_id,
    coalesce(document.comment_author_id, document.updater_id) as author_id,
    document.comment_public as is_public,
    author.role <> 'end-user' as is_from_agent,
    document.created_at
from {{ ref('stg_zendesk__ticket_events') }} as document
left join {{ ref('stg_zendesk__users') }} as author
    on document.connection = author.connection and coalesce(document.comment_author_id, document.updater_id) = author.user_id
where not document.is_removed and document.event_type = 'Comment'
