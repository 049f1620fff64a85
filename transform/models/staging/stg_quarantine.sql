{{ config(materialized='table', unique_key=[]) }}

with source as (
    {{ landing('concord', 'quarantine') }}
)

select
    _connection as connection,
    key as record_key,
    resource,
    {{ adapter.quote('column') }} as column_name,
    reason,
    raw,
    _extracted_at as extracted_at,
    _load_id as load_id
from source
