select
    connection,
    user_id as agent_id,
    lower(email) as login,
    name,
    email,
    coalesce(is_active, true) and not coalesce(is_suspended, false) as is_active
from {{ ref('stg_zendesk__users') }}
where not is_removed and role <> 'end-user'
