select connection, 'companies' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(created_at) as committed_at
from {{ ref('stg_freshdesk__companies') }}
group by connection

union all

select connection, 'contacts' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(updated_at) as committed_at
from {{ ref('stg_freshdesk__contacts') }}
group by connection

union all

select connection, 'tickets' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(created_at) as committed_at
from {{ ref('stg_freshdesk__tickets') }}
group by connection

union all

select connection, 'conversations' as resource, user_id as changed_by, max(created_at) as committed_at
from {{ ref('stg_freshdesk__conversations') }}
group by connection, user_id

union all

select connection, 'assets' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(updated_at) as committed_at
from {{ ref('stg_freshdesk__assets') }}
group by connection
