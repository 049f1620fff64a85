with events as (
    {{ conformed('case_event') }}
)

select
    document.connection || ':' || document.event_id as event_key,
    document.connection,
    document.event_id,
    document.connection || ':' || document.case_id as case_key,
    document.field,
    document.old_value,
    document.new_value,
    document.actor_id,
    document.changed_at
from events as document
