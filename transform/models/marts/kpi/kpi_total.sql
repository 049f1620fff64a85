-- over all companies, regions, system pairs and segments: what a chart shows
select
    kpi.kpi,
    observation.day,
    {{ kpi_value('kpi.aggregate') }} as value,
    kpi.unit,
    cast(sum(observation.sample_size) as bigint) as sample_size
from {{ ref('kpi_observation') }} as observation
inner join {{ ref('kpi') }} as kpi on observation.measure = kpi.measure
where observation.measure <> 'credit_cycle' or observation.segment = 'total'
group by kpi.kpi, kpi.aggregate, kpi.unit, observation.day
