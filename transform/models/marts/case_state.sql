-- what happened to the status: the first event tells the state before it, where the desk keeps that
with events as (
    select
        event_key,
        case_key,
        old_status,
        new_status,
        changed_at,
        row_number() over (partition by case_key order by changed_at, event_key) as place
    from {{ ref('case_event') }}
    where kind = 'status' and new_status is not null and changed_at is not null
),

openings as (
    select
        document.case_key,
        document.connection,
        coalesce(event.old_status, event.new_status, document.status) as status,
        least(coalesce(document.created_at, event.changed_at), coalesce(event.changed_at, document.created_at)) as started_at,
        cast(null as {{ sql_type('string') }}) as event_key
    from {{ ref('support_case') }} as document
    left join events as event on document.case_key = event.case_key and event.place = 1
),

entries as (
    select case_key, connection, status, started_at, event_key
    from openings
    where status is not null and started_at is not null
    union all
    select event.case_key, document.connection, event.new_status, event.changed_at, event.event_key
    from events as event
    inner join {{ ref('support_case') }} as document on event.case_key = document.case_key
),

-- an event that names the state in which the case is already begins nothing
changes as (
    select *
    from entries
    qualify status is distinct from lag(status) over (partition by case_key order by started_at, event_key nulls first)
),

placed as (
    select
        *,
        row_number() over (partition by case_key order by started_at, event_key nulls first) as place,
        lag(status) over (partition by case_key order by started_at, event_key nulls first) as previous_status,
        lead(started_at) over (partition by case_key order by started_at, event_key nulls first) as ended_at
    from changes
)

select
    case_key || '#' || cast(place as {{ sql_type('string') }}) as case_state_key,
    case_key,
    connection,
    cast(place as {{ sql_type('bigint') }}) as place,
    status,
    previous_status,
    coalesce(previous_status in ('solved', 'closed') and status not in ('solved', 'closed'), false) as is_reopening,
    started_at,
    ended_at,
    {{ age_seconds('ended_at', 'started_at') }} as duration_seconds
from placed
