{{ config(materialized='table', unique_key=[]) }}

with source as (
    {{ landing('concord', 'audits') }}
)

select
    _connection as connection,
    resource,
    method,
    is_complete,
    detail,
    expected,
    actual,
    window_start,
    window_end,
    checked_at,
    _extracted_at as extracted_at,
    _load_id as load_id
from source
