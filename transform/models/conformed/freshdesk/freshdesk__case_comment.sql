select
    connection,
    conversation_id as comment_id,
    ticket_id as case_id,
    user_id as author_id,
    not is_private as is_public,
    not is_incoming as is_from_agent,
    created_at
from {{ ref('stg_freshdesk__conversations') }}
where not is_removed
