select connection, 'organizations' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(created_at) as committed_at
from {{ ref('stg_zendesk__organizations') }}
group by connection

union all

select connection, 'users' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(updated_at) as committed_at
from {{ ref('stg_zendesk__users') }}
group by connection

union all

select connection, 'tickets' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(created_at) as committed_at
from {{ ref('stg_zendesk__tickets') }}
group by connection

union all

select connection, 'ticket_events' as resource, updater_id as changed_by, max(created_at) as committed_at
from {{ ref('stg_zendesk__ticket_events') }}
group by connection, updater_id
