{%- set freshness = var('freshness', {}) -%}
-- the newest change that a source itself made; what Concord wrote there does not count as life
with technical as (
    select connection, user_id from {{ ref('stg_salesforce__users') }}
    where username in ({{ quoted(var('integration_usernames')) }})
        {%- for name in var('integration_usernames') %} or username like '{{ name }}.%'{% endfor %}

    union all

    select connection, user_id from {{ ref('stg_zendesk__users') }} where lower(email) in ({{ quoted(var('integration_usernames')) }})
),

commits as (
    {%- for model, column in [
        ('stg_netsuite__customers', 'updated_at'), ('stg_netsuite__contacts', 'updated_at'), ('stg_netsuite__items', 'updated_at'),
        ('stg_netsuite__transactions', 'updated_at'), ('stg_salesforce__contacts', 'last_modified_at'),
        ('stg_salesforce__opportunities', 'last_modified_at'), ('stg_salesforce__products', 'system_modstamp'),
        ('stg_stripe__customers', 'changed_at'), ('stg_stripe__subscriptions', 'changed_at'), ('stg_stripe__invoices', 'changed_at'),
        ('stg_stripe__charges', 'changed_at'), ('stg_stripe__refunds', 'changed_at'), ('stg_stripe__credit_notes', 'changed_at'),
        ('stg_zendesk__organizations', 'created_at'), ('stg_zendesk__users', 'updated_at'), ('stg_zendesk__tickets', 'created_at'),
    ] %}
    select connection, max({{ column }}) as committed_at from {{ ref(model) }} group by connection
    union all
    {%- endfor %}
    {%- for model in ['stg_salesforce__accounts', 'stg_salesforce__contracts'] %}
    select change.connection, max(change.last_modified_at) as committed_at
    from {{ ref(model) }} as change
    left join technical on change.connection = technical.connection and change.last_modified_by_id = technical.user_id
    where technical.user_id is null
    group by change.connection
    union all
    {%- endfor %}
    select event.connection, max(event.created_at) as committed_at
    from {{ ref('stg_zendesk__ticket_events') }} as event
    left join technical on event.connection = technical.connection and event.updater_id = technical.user_id
    where technical.user_id is null
    group by event.connection
),

limits as (
    select cast(null as varchar) as connection, cast(null as bigint) as seconds where 1 = 0
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
