{#- What the KPI models have in common: the shape of an observation, the days of levels, and how observations become a value. -#}

{#- The columns of an observation. Percentiles need one row an observation; of ratios and sums many may be added up in one row. -#}
{% macro observed(measure, day, numerator, denominator='1', samples='1', company='null', region='null', pair='null', segment='null') -%}
    '{{ measure }}' as measure,
    cast({{ day }} as date) as day,
    coalesce(cast({{ company }} as {{ sql_type('string') }}), '') as company_id,
    coalesce(cast({{ region }} as {{ sql_type('string') }}), '') as region,
    coalesce(cast({{ pair }} as {{ sql_type('string') }}), '') as system_pair,
    coalesce(cast({{ segment }} as {{ sql_type('string') }}), '') as segment,
    cast({{ numerator }} as {{ sql_type('decimal') }}) as numerator,
    cast({{ denominator }} as {{ sql_type('decimal') }}) as denominator,
    cast({{ samples }} as bigint) as sample_size
{%- endmacro %}

{% macro observation_columns() -%} measure, day, company_id, region, system_pair, segment, numerator, denominator, sample_size {%- endmacro %}

{#- CTEs `clock` (as_of, first_day, last_day) and `days`: the days for whose end levels are told. -#}
{% macro level_days() -%}
clock as (
    select as_of, cast(as_of as date) as last_day, cast({{ dbt.dateadd('day', -1 * (kpi_policy()['level_days'] | int), 'cast(as_of as date)') }} as date) as first_day
    from (select {{ as_of() }} as as_of) as newest
),

spine as (
    select {{ days_from('first_day', 'last_day') }} as moment from clock
),

days as (
    select
        cast(spine.moment as date) as day,
        spine.moment as begins_at,
        {{ dbt.dateadd('day', 1, 'spine.moment') }} as ends_at,
        least({{ dbt.dateadd('day', 1, 'spine.moment') }}, clock.as_of) as seen_at,
        cast(spine.moment as date) = clock.last_day as is_last
    from spine
    cross join clock
)
{%- endmacro %}

{#- Seconds between two moments, with what is below a second. A product, for a quotient would be a double, which has no room for nine places. -#}
{% macro seconds_between(later, earlier) -%}
    cast(cast(epoch_us({{ later }}) - epoch_us({{ earlier }}) as decimal(20,0)) * cast(0.000001 as decimal(7,6)) as {{ sql_type('decimal') }})
{%- endmacro %}

{#- A percentile is interpolated in doubles; to six places it is the same wherever it is computed. -#}
{% macro percentile(number, share) -%} {{ money('quantile_cont(cast(' ~ number ~ ' as double), ' ~ share ~ ')') }} {%- endmacro %}

{#- The value of a group of observations of one KPI; null where there is nothing to divide by. `aggregate` is the KPI's own. -#}
{% macro kpi_value(aggregate) -%}
    cast(case {{ aggregate }}
        {#- cast here, else all would become doubles with these two #}
        when 'ratio' then cast(sum(observation.numerator) / nullif(sum(observation.denominator), 0) as {{ sql_type('decimal') }})
        when 'complement' then cast(1 - sum(observation.numerator) / nullif(sum(observation.denominator), 0) as {{ sql_type('decimal') }})
        when 'sum' then sum(observation.numerator)
        when 'max' then max(observation.numerator)
        when 'p50' then {{ percentile('observation.numerator', 0.5) }}
        when 'p90' then {{ percentile('observation.numerator', 0.9) }}
        when 'p95' then {{ percentile('observation.numerator', 0.95) }}
    end as {{ sql_type('decimal') }})
{%- endmacro %}

{#- True where a kind of case, or one of its tags, holds one of the words of the policy. -#}
{% macro speaks_of(words, kind, tags) -%}
    {%- set told = "lower(concat_ws(' ', " ~ kind ~ ", array_to_string(" ~ tags ~ ", ' ')))" -%}
    ({% for word in words.split() %}{{ 'or ' if not loop.first }}{{ told }} like '%{{ word }}%' {% endfor %})
{%- endmacro %}

{#- The texts of a group in their order, with commas, each once. `is_distinct`: all as they are, for they are distinct already, or each of two that are alike counts. -#}
{% macro joined_texts(text, is_distinct=false) -%}
    {%- set texts = 'list(' ~ text ~ ')' -%}
    nullif(array_to_string(list_sort({{ texts if is_distinct else 'list_distinct(' ~ texts ~ ')' }}), ', '), '')
{%- endmacro %}

{#- What a view shows: its KPIs in the catalogue's order, also those of which nothing has been measured yet. -#}
{% macro kpi_view(view) %}
select
    kpi, segment, name, unit, value, value_7d, before_7d, change_7d, value_28d, before_28d, change_28d, target, is_on_target, better, sample_size, place, as_of
from {{ ref('kpi_trend') }}
where ' ' || views || ' ' like '% {{ view }} %'
{%- endmacro %}
