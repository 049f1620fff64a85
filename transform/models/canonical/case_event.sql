{%- set policy = contract()['case_event'] -%}
with events as (
    {{ conformed('case_event') }}
),

kinds as (
    select
        *,
        case
            {%- for kind in ['status', 'assignee', 'group', 'priority', 'reopen_count', 'reassignment_count'] %}
            when lower(field) in ({{ quoted(policy[kind ~ '_fields'].split()) }}) then '{{ kind }}'
            {%- endfor %}
        end as kind
    from events
),

codes as (
    select system, raw_value, max(value) as value
    from {{ ref('value_map') }}
    where entity = 'case' and field = 'status'
    group by system, raw_value
)

select
    document.connection || ':' || document.event_id as event_key,
    document.connection,
    document.event_id,
    document.connection || ':' || document.case_id as case_key,
    document.field,
    document.kind,
    document.old_value,
    document.new_value,
    case when document.kind = 'status' then before.value end as old_status,
    case when document.kind = 'status' then after.value end as new_status,
    document.actor_id,
    document.changed_at
from kinds as document
left join codes as before on document.system = before.system and document.old_value = before.raw_value
left join codes as after on document.system = after.system and document.new_value = after.raw_value
