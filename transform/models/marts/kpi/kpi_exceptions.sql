-- exceptions as people work on them: how many stood open at the end of each day, how old, how costly, how soon they were settled
with {{ level_days() }},

steps as (
    select
        event.*,
        lead(event.happened_at) over (partition by event.exception_id order by event.event_id) as next_at,
        lag(event.owner_role) over (partition by event.exception_id order by event.event_id) as role_before,
        max(case when event.event = 'opened' or (event.event = 'reopened' and event.from_state = 'closed') then event.happened_at end)
            over (partition by event.exception_id order by event.event_id rows between unbounded preceding and current row) as cycle_at
    from {{ ref('stg_exception_events') }} as event
),

named as (
    {{ named_companies(ref('stg_exceptions')) }}
),

known as (
    select
        exception.*,
        {{ in_reporting_currency('exception.exposure', 'exception.currency') }} as reporting_exposure,
        coalesce(named.company_id, {{ legal_entity_of_connection('exception.left_connection') }},
            {{ legal_entity_of_connection('exception.right_connection') }}) as company_id,
        coalesce({{ region_of_connection('exception.right_connection') }}, {{ region_of_connection('exception.left_connection') }}) as region,
        coalesce(exception.left_connection, '') || coalesce('>' || exception.right_connection, '') as system_pair
    from {{ ref('stg_exceptions') }} as exception
    cross join clock
    left join named on exception.exception_id = named.exception_id
    {{ reporting_joins('exception.currency', 'clock.as_of') }}
),

standing as (
    select days.day, known.*, {{ seconds_between('greatest(days.seen_at, known.since)', 'known.since') }} as age
    from steps
    inner join days on steps.happened_at < days.ends_at and (steps.next_at is null or steps.next_at >= days.ends_at)
    inner join known on steps.exception_id = known.exception_id
    where steps.to_state in ('open', 'acknowledged')
),

settled as (
    select known.*, steps.happened_at as closed_at, {{ seconds_between('steps.happened_at', 'steps.cycle_at') }} as seconds
    from steps
    inner join known on steps.exception_id = known.exception_id
    where steps.event = 'closed' and steps.cycle_at is not null
),

-- it became finance's while the customer had a case that waited
escalations as (
    select steps.exception_id, steps.event_id, steps.happened_at as escalated_at
    from steps
    inner join known on steps.exception_id = known.exception_id
    where ('+' || steps.owner_role || '+') like '%+finance+%'
        and (steps.event = 'opened' or (steps.event = 'assigned' and ('+' || coalesce(steps.role_before, '') || '+') not like '%+finance+%'))
        and exists (
            select 1 from {{ ref('support_case') }} as waiting
            where waiting.customer_id = known.customer_id and waiting.created_at <= steps.happened_at
                and (waiting.is_open or waiting.solved_at > steps.happened_at))
),

taken as (
    select escalations.exception_id, escalations.event_id, min(escalations.escalated_at) as escalated_at, min(answer.happened_at) as taken_at
    from escalations
    inner join steps as answer
        on escalations.exception_id = answer.exception_id and answer.event_id > escalations.event_id and answer.is_by_person
        and (answer.event in ('acknowledged', 'resolved', 'accepted') or (answer.event = 'assigned' and answer.assignee is not null))
    group by escalations.exception_id, escalations.event_id
),

minutes as (
    select cast(steps.happened_at as date) as day, known.company_id, known.region, known.system_pair, known.domain, sum(steps.minutes) as minutes
    from steps
    inner join known on steps.exception_id = known.exception_id
    where steps.minutes > 0
    group by cast(steps.happened_at as date), known.company_id, known.region, known.system_pair, known.domain
),

-- documents count from the day on which somebody began to report what it cost
documents as (
    select observation.*
    from {{ ref('kpi_reconciliation') }} as observation
    where observation.measure = 'reconciliation_count' and observation.day >= (select min(day) from minutes)
)

select {{ observed('exceptions_open', 'day', 'count(*)', 'count(*)', 'count(*)', 'company_id', 'region', 'system_pair', 'domain') }}
from standing
group by day, company_id, region, system_pair, domain
union all
select {{ observed('exception_exposure', 'day', 'sum(reporting_exposure)', 'count(*)', 'count(reporting_exposure)', 'company_id', 'region', 'system_pair', 'domain') }}
from standing
where reporting_exposure is not null
group by day, company_id, region, system_pair, domain
union all
select {{ observed('exception_age', 'day', 'age', company='company_id', region='region', pair='system_pair', segment='domain') }}
from standing
where age is not null
union all
select {{ observed('exception_resolution', 'closed_at', 'sum(seconds)', 'count(*)', 'count(*)', 'company_id', 'region', 'system_pair', 'domain') }}
from settled
group by cast(closed_at as date), company_id, region, system_pair, domain
union all
select {{ observed('case_escalation', 'taken.taken_at', seconds_between('taken.taken_at', 'taken.escalated_at'), company='known.company_id', region='known.region', pair='known.system_pair') }}
from taken
inner join known on taken.exception_id = known.exception_id
union all
select {{ observed('manual_minutes', 'day', 'minutes * 1000', '0', '0', 'company_id', 'region', 'system_pair', 'domain') }}
from minutes
union all
select {{ observed('manual_minutes', 'day', '0', 'denominator', 'sample_size', 'company_id', 'region', 'system_pair', 'segment') }}
from documents
{%- set baseline = var('baseline_minutes', '') %}
{%- if baseline %}
union all
select {{ observed('manual_reconciliation', 'day', 'cast(minutes * 1000 as ' ~ sql_type('decimal') ~ ') / ' ~ baseline, '0', '0', 'company_id', 'region', 'system_pair', 'domain') }}
from minutes
union all
select {{ observed('manual_reconciliation', 'day', '0', 'denominator', 'sample_size', 'company_id', 'region', 'system_pair', 'segment') }}
from documents
{%- endif %}
