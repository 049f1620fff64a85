{%- set freshness = var('freshness', {}) -%}
-- the newest change that a source itself made; what Concord wrote there does not count as life
with technical as (
    {{ integration_users() }}
),

changes as (
    {{ conformed('source_commit') }}
),

commits as (
    select change.connection, change.committed_at
    from changes as change
    left join technical on change.connection = technical.connection and change.changed_by = technical.agent_id
    where technical.agent_id is null
),

limits as (
    {{ no_rows({'connection': 'string', 'seconds': 'bigint'}) }}
    {%- for name, seconds in freshness.items() %}
    union all select '{{ name }}', {{ seconds }}
    {%- endfor %}
),

newest as (
    select connection, max(committed_at) as committed_at from commits where committed_at is not null group by connection
)

select
    'D13' as drift_id, 'stale' as class, 'connection' as entity, 'error' as severity,
    {{ role_of_connection('newest.connection') }} as owner_role,
    cast(null as varchar) as customer_id, 'connection:' || newest.connection as correlation_id,
    newest.connection as left_connection, cast(null as varchar) as left_entity, cast(null as varchar) as left_id,
    cast(null as varchar) as right_connection, cast(null as varchar) as right_entity, cast(null as varchar) as right_id,
    'freshness' as field, cast(limits.seconds as varchar) as left_value,
    cast({{ age_seconds('clock.as_of', 'newest.committed_at') }} as varchar) as right_value,
    cast(null as {{ sql_type('money') }}) as exposure, cast(null as varchar) as currency, newest.committed_at as since,
    newest.connection || ': no change of its own since ' || cast(newest.committed_at as varchar) || ', although reading it works' as detail
from newest
inner join limits on newest.connection = limits.connection
inner join {{ ref('extraction_clock') }} as clock on newest.connection = clock.connection
-- the heartbeat: a connection that is not being read is a failure of ours, not of the source
where {{ age_seconds('clock.as_of', 'clock.last_extracted_at') }} < limits.seconds
    and {{ age_seconds('clock.as_of', 'newest.committed_at') }} > limits.seconds
