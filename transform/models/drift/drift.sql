{%- set parts = ['status', 'hold', 'entitlement', 'invoice', 'unmapped', 'schema', 'ownership', 'stale', 'incomplete', 'identity'] -%}
with findings as (
    {%- for part in parts %}
    select
        drift_id, class, entity, severity, owner_role, customer_id as golden_customer_id, correlation_id, left_connection, left_entity, left_id,
        right_connection, right_entity, right_id, field, left_value, right_value, exposure, currency, since, detail
    from {{ ref('drift_' ~ part) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

named as (
    select findings.*, customer.name as customer_name
    from findings
    left join {{ ref('customer') }} as customer on findings.golden_customer_id = customer.customer_id
)

select
    md5(concat_ws('|', drift_id, class, coalesce(left_connection, ''), coalesce(left_entity, ''), coalesce(left_id, ''),
        coalesce(right_connection, ''), coalesce(right_entity, ''), coalesce(right_id, ''), coalesce(field, ''))) as finding_id,
    drift_id,
    class,
    entity,
    severity,
    {{ owner_teams('drift_id', 'owner_role', 'left_connection', 'right_connection') }} as owner_role,
    golden_customer_id,
    correlation_id,
    left_connection,
    left_entity,
    left_id,
    right_connection,
    right_entity,
    right_id,
    field,
    left_value,
    right_value,
    {{ money('exposure') }} as exposure,
    currency,
    coalesce(since, {{ as_of() }}) as since,
    greatest({{ age_seconds(as_of(), 'coalesce(since, ' ~ as_of() ~ ')') }}, 0) as age_seconds,
    {{ as_of() }} as as_of,
    case when customer_name is null then detail else detail || ': ' || customer_name end as detail
from named
