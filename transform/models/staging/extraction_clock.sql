{{ config(materialized='table') }}

with seen as (
    {%- for system in var('connections', {}) | sort %}{% for resource in landing_schema(system) %}
    select connection, max(extracted_at) as extracted_at from {{ ref('stg_' ~ system ~ '__' ~ resource) }} group by connection
    union all
    {%- endfor %}{% endfor %}
    select connection, max(extracted_at) as extracted_at from {{ ref('stg_audits') }} group by connection
),

by_connection as (
    select connection, max(extracted_at) as last_extracted_at
    from seen
    group by connection
)

select connection, last_extracted_at, max(last_extracted_at) over () as as_of
from by_connection
