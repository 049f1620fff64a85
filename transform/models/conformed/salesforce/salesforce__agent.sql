select
    connection,
    user_id as agent_id,
    username as login,
    name,
    email,
    is_active
from {{ ref('stg_salesforce__users') }}
where not is_removed
