select
    connection,
    ticket_event_id as event_id,
    ticket_id as case_id,
    field_name as field,
    previous_value as old_value,
    value as new_value,
    updater_id as actor_id,
    created_at as changed_at
from {{ ref('stg_zendesk__ticket_events') }}
where not is_removed and field_name is not null
