select
    connection,
    agent_id,
    lower(email) as login,
    name,
    email,
    coalesce(is_active, true) and not coalesce(is_deactivated, false) as is_active
from {{ ref('stg_freshdesk__agents') }}
where not is_removed
