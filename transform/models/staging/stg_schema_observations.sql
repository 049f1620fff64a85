{{ config(materialized='table', unique_key=[]) }}

with source as (
    {{ landing('concord', 'schema_observations') }}
)

select
    _connection as connection,
    resource,
    column_name,
    change,
    detail,
    coalesce(observed_at, _extracted_at) as observed_at,
    _extracted_at as extracted_at,
    _load_id as load_id
from source
