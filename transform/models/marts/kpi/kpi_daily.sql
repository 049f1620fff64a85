select
    kpi.kpi,
    observation.day,
    observation.company_id,
    observation.region,
    observation.system_pair,
    observation.segment,
    sum(observation.numerator) as numerator,
    sum(observation.denominator) as denominator,
    {{ kpi_value('kpi.aggregate') }} as value,
    kpi.unit,
    cast(sum(observation.sample_size) as bigint) as sample_size
from {{ ref('kpi_observation') }} as observation
inner join {{ ref('kpi') }} as kpi on observation.measure = kpi.measure
group by
    kpi.kpi, kpi.aggregate, kpi.unit, observation.day, observation.company_id, observation.region, observation.system_pair, observation.segment
