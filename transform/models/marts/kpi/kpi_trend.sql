-- each KPI over all companies, regions and system pairs: the last 7 and 28 days beside those before them; of a level today beside then
with clock as (
    select cast(as_of as date) as last_day from (select {{ as_of() }} as as_of) as newest
),

periods as (
    {%- for kind, name, newest, oldest in [
        ('flow', 'week', 0, 6), ('flow', 'week before', 7, 13), ('flow', 'month', 0, 27), ('flow', 'month before', 28, 55),
        ('level', 'today', 0, 0), ('level', 'week before', 7, 7), ('level', 'month before', 28, 28)] %}
    select '{{ kind }}' as kind, '{{ name }}' as period, {{ dbt.dateadd('day', -oldest, 'last_day') }} as first_day, {{ dbt.dateadd('day', -newest, 'last_day') }} as last_day
    from clock
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

summed as (
    select
        kpi.kpi,
        observation.segment,
        periods.period,
        {{ kpi_value('kpi.aggregate') }} as value,
        sum(observation.sample_size) as sample_size
    from {{ ref('kpi_observation') }} as observation
    inner join {{ ref('kpi') }} as kpi on observation.measure = kpi.measure
    inner join periods on kpi.kind = periods.kind and observation.day between periods.first_day and periods.last_day
    group by kpi.kpi, kpi.aggregate, observation.segment, periods.period

    union all

    -- all segments together; stages of one process and kinds of one act are not added up
    select
        kpi.kpi,
        'all' as segment,
        periods.period,
        {{ kpi_value('kpi.aggregate') }} as value,
        sum(observation.sample_size) as sample_size
    from {{ ref('kpi_observation') }} as observation
    inner join {{ ref('kpi') }} as kpi on observation.measure = kpi.measure
    inner join periods on kpi.kind = periods.kind and observation.day between periods.first_day and periods.last_day
    where observation.segment <> '' and observation.measure <> 'credit_cycle'
    group by kpi.kpi, kpi.aggregate, periods.period
),

beside as (
    select
        kpi,
        segment,
        max(case when period in ('week', 'today') then value end) as value_7d,
        max(case when period = 'week before' then value end) as before_7d,
        max(case when period in ('month', 'today') then value end) as value_28d,
        max(case when period = 'month before' then value end) as before_28d,
        cast(coalesce(max(case when period in ('month', 'today') then sample_size end), 0) as bigint) as sample_size
    from summed
    group by kpi, segment
),

counted as (
    select
        kpi.kpi,
        beside.segment,
        case kpi.aggregate when 'sum' then coalesce(beside.value_7d, 0) else beside.value_7d end as value_7d,
        beside.before_7d,
        case kpi.aggregate when 'sum' then coalesce(beside.value_28d, 0) else beside.value_28d end as value_28d,
        beside.before_28d,
        beside.sample_size
    from {{ ref('kpi') }} as kpi
    left join beside on kpi.kpi = beside.kpi
)

-- nothing counted is none; of what is measured nothing is unknown
select
    kpi.kpi,
    coalesce(beside.segment, '') as segment,
    kpi.name,
    kpi.unit,
    kpi.kind,
    kpi.better,
    kpi.views,
    kpi.place,
    coalesce(beside.value_7d, beside.value_28d) as value,
    beside.value_7d,
    beside.before_7d,
    cast(beside.value_7d - beside.before_7d as {{ sql_type('decimal') }}) as change_7d,
    beside.value_28d,
    beside.before_28d,
    cast(beside.value_28d - beside.before_28d as {{ sql_type('decimal') }}) as change_28d,
    kpi.target,
    case kpi.better when 'up' then coalesce(beside.value_7d, beside.value_28d) >= kpi.target else coalesce(beside.value_7d, beside.value_28d) <= kpi.target end as is_on_target,
    coalesce(beside.sample_size, 0) as sample_size,
    {{ as_of() }} as as_of
from {{ ref('kpi') }} as kpi
left join counted as beside on kpi.kpi = beside.kpi
