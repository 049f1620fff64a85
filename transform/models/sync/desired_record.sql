with targets as (
    {%- for system, models in sync_models().items() if system in var('connections', {}) %}{% for model in models %}
    select connection, object, record_id, desired_fields, priority, needs_approval, exposure, currency from {{ ref(model) }}
    union all
    {%- endfor %}{% endfor %}
    select
        cast(null as {{ sql_type('string') }}) as connection,
        cast(null as {{ sql_type('string') }}) as object,
        cast(null as {{ sql_type('string') }}) as record_id,
        cast(null as {{ sql_type('string') }}) as desired_fields,
        cast(null as {{ sql_type('integer') }}) as priority,
        cast(null as {{ sql_type('boolean') }}) as needs_approval,
        cast(null as {{ sql_type('money') }}) as exposure,
        cast(null as {{ sql_type('string') }}) as currency
    where 1 = 0
)

select * from targets
