with people as (
    select connection, user_name, true as is_agent
    from {{ ref('stg_servicenow__users') }}
    where not is_removed

    union all

    select connection, user_name, false as is_agent
    from {{ ref('stg_servicenow__contacts') }}
    where not is_removed
),

logins as (
    select connection, user_name, bool_or(is_agent) as is_agent
    from people
    where user_name is not null
    group by connection, user_name
)

select
    document.connection,
    document.comment_id,
    document.case_id,
    document.created_by as author_id,
    document.element = 'comments' as is_public,
    logins.is_agent as is_from_agent,
    document.created_at
from {{ ref('stg_servicenow__case_comments') }} as document
left join logins
    on document.connection = logins.connection and document.created_by = logins.user_name
where not document.is_removed
