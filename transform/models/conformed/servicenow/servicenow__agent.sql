-- audit columns name a user by its login, so that is the agent's id
select
    connection,
    user_name as agent_id,
    lower(user_name) as login,
    max(name) as name,
    max(email) as email,
    bool_or(coalesce(is_active, true) and not coalesce(is_locked_out, false)) as is_active
from {{ ref('stg_servicenow__users') }}
where not is_removed and user_name is not null
group by connection, user_name
