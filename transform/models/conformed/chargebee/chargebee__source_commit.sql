{%- for resource in ['customers', 'items', 'subscriptions', 'invoices', 'credit_notes', 'transactions'] %}
select connection, '{{ resource }}' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(changed_at) as committed_at
from {{ ref('stg_chargebee__' ~ resource) }}
group by connection
{{ 'union all' if not loop.last }}
{% endfor %}
