{%- set states = ['new', 'open', 'pending', 'hold', 'solved'] -%}
with cases as (
    select * from {{ ref('support_case') }}
),

states as (
    select *, max(case when status not in ('solved', 'closed') then place else 0 end) over (partition by case_key) as last_open_place
    from {{ ref('case_state') }}
),

histories as (
    select
        case_key,
        min(case when place = 1 then started_at end) as opened_at,
        min(case when status in ('solved', 'closed') and place > last_open_place then started_at end) as solved_at,
        min(case when status = 'closed' and place > last_open_place then started_at end) as closed_at,
        count(*) - 1 as state_change_count,
        count(case when is_reopening then 1 end) as reopen_count,
        min(case when is_reopening then started_at end) as first_reopened_at
        {%- for state in states %},
        sum(case when status = '{{ state }}' then coalesce(duration_seconds, {{ age_seconds(as_of(), 'started_at') }}) else 0 end) as {{ state }}_seconds
        {%- endfor %}
    from states
    group by case_key
),

events as (
    select
        case_key,
        min(case when kind = 'status' and new_status <> 'new' then changed_at end) as first_worked_at,
        count(case when kind = 'group' and old_value is not null then 1 end) as group_change_count,
        count(case when kind = 'assignee' and old_value is not null then 1 end) as assignee_change_count,
        max(case when kind = 'reopen_count' then cast(new_value as {{ sql_type('bigint') }}) end) as told_reopen_count,
        max(case when kind = 'reassignment_count' then cast(new_value as {{ sql_type('bigint') }}) end) as told_reassignment_count
    from {{ ref('case_event') }}
    group by case_key
),

answers as (
    select case_key, min(created_at) as first_answered_at
    from {{ ref('case_comment') }}
    where is_from_agent and coalesce(is_public, true)
    group by case_key
),

cycles as (
    select
        document.case_key,
        document.connection,
        document.case_id,
        document.customer_id,
        document.priority,
        document.status,
        document.is_open,
        history.opened_at,
        least(
            coalesce(event.first_worked_at, answer.first_answered_at), coalesce(answer.first_answered_at, event.first_worked_at)) as first_response_at,
        case when document.is_open then null else coalesce(history.solved_at, document.solved_at) end as solved_at,
        document.solved_at as told_solved_at,
        case when document.is_open then null else history.closed_at end as closed_at,
        coalesce(history.state_change_count, 0) as state_change_count,
        coalesce(history.reopen_count, 0) as reopen_count,
        history.first_reopened_at,
        coalesce(event.group_change_count, 0) as group_change_count,
        coalesce(event.assignee_change_count, 0) as assignee_change_count,
        event.told_reopen_count,
        event.told_reassignment_count
        {%- for state in states %},
        history.{{ state }}_seconds
        {%- endfor %}
    from cases as document
    left join histories as history on document.case_key = history.case_key
    left join events as event on document.case_key = event.case_key
    left join answers as answer on document.case_key = answer.case_key
)

select
    case_key,
    connection,
    case_id,
    customer_id,
    priority,
    status,
    is_open,
    opened_at,
    first_response_at,
    solved_at,
    told_solved_at,
    closed_at,
    first_reopened_at,
    {{ age_seconds('first_response_at', 'opened_at') }} as first_response_seconds,
    {{ age_seconds('solved_at', 'opened_at') }} as resolution_seconds,
    {{ age_seconds('closed_at', 'opened_at') }} as cycle_seconds,
    {%- for state in states %}
    cast({{ state }}_seconds as {{ sql_type('bigint') }}) as {{ state }}_seconds,
    {%- endfor %}
    cast(state_change_count as {{ sql_type('bigint') }}) as state_change_count,
    cast(reopen_count as {{ sql_type('bigint') }}) as reopen_count,
    reopen_count > 0 as is_reopened,
    told_reopen_count,
    case
        when told_reopen_count is null then 'not_told'
        when told_reopen_count = reopen_count then 'agrees'
        when told_reopen_count > reopen_count then 'history_shows_fewer'
        else 'history_shows_more'
    end as reopen_check,
    cast(group_change_count as {{ sql_type('bigint') }}) as group_change_count,
    cast(assignee_change_count as {{ sql_type('bigint') }}) as assignee_change_count,
    told_reassignment_count
from cycles
