{%- set domains = ['customer', 'credit_status', 'order', 'invoice', 'payment', 'entitlement', 'credit', 'return', 'shipment'] -%}
with found as (
    {%- for domain in domains %}
    select
        {{ exception_id() }} as exception_id, domain, exception_key, class, severity, owner_role, customer_id, correlation_id, left_connection, left_id, right_connection, right_id,
        left_value, right_value, exposure, currency, since, detail
    from {{ ref('exception_' ~ domain) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    found.exception_id,
    found.domain,
    found.class,
    found.severity,
    found.owner_role,
    found.customer_id,
    customer.name as customer_name,
    found.correlation_id,
    found.left_connection,
    found.left_id,
    found.right_connection,
    found.right_id,
    found.left_value,
    found.right_value,
    {{ money('found.exposure') }} as exposure,
    found.currency,
    coalesce(found.since, {{ as_of() }}) as since,
    greatest({{ age_seconds(as_of(), 'coalesce(found.since, ' ~ as_of() ~ ')') }}, 0) as age_seconds,
    case when customer.name is null then found.detail else found.detail || ': ' || customer.name end as detail,
    {{ as_of() }} as as_of
from found
left join {{ ref('customer') }} as customer on found.customer_id = customer.customer_id
