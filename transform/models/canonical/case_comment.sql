with comments as (
    {{ conformed('case_comment') }}
)

select
    document.connection || ':' || document.comment_id as comment_key,
    document.connection,
    document.comment_id,
    document.connection || ':' || document.case_id as case_key,
    document.author_id,
    document.is_public,
    document.is_from_agent,
    document.created_at
from comments as document
