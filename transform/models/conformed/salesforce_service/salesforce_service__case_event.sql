select
    connection,
    case_change_id as event_id,
    case_id,
    field_name as field,
    old_value,
    new_value,
    created_by_id as actor_id,
    created_at as changed_at
from {{ ref('stg_salesforce_service__case_history') }}
where
    not is_removed
    and field_name <> 'created'
    and not (field_name = 'Owner' and data_type <> 'EntityId')  -- a new owner is told twice, by name and by id
