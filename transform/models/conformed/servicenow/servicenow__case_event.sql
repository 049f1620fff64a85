select
    connection,
    change_id as event_id,
    case_id,
    field,
    old_value,
    new_value,
    coalesce(user_name, created_by) as actor_id,
    created_at as changed_at
from {{ ref('stg_servicenow__case_changes') }}
where not is_removed
