with targets as (
    {%- for system, models in sync_models().items() if system in var('connections', {}) %}{% for model in models %}
    select connection, object, record_id, desired_fields, priority, needs_approval, exposure, currency from {{ ref(model) }}
    union all
    {%- endfor %}{% endfor %}
    {{ no_rows({'connection': 'string', 'object': 'string', 'record_id': 'string', 'desired_fields': 'string', 'priority': 'integer',
        'needs_approval': 'boolean', 'exposure': 'money', 'currency': 'string'}) }}
)

select * from targets
