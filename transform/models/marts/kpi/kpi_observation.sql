{{ config(materialized='view') }}
{%- set families = ['sync', 'exceptions', 'reconciliation', 'support', 'finance', 'identity'] %}
with observations as (
    {%- for family in families %}
    select {{ observation_columns() }} from {{ ref('kpi_' ~ family) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

-- what is dated ahead of the newest read has not happened yet
select * from observations where day <= cast({{ as_of() }} as date)
