{{ config(materialized='table') }}
{%- for entity in tracked_fields() if 'file_drop' in conformed_systems()[entity] %}{% do ref('file_drop__' ~ entity) %}{% endfor %}
-- a drop's form may change from one build to the next, so its history is made anew each time
with versions as (
    {{ drop_versions() }}
),

{{ field_spans('versions') }}
