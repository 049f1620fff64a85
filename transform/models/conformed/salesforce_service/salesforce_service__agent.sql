select
    connection,
    user_id as agent_id,
    username as login,
    name,
    email,
    is_active
from {{ ref('stg_salesforce_service__users') }}
where not is_removed
