select connection, 'customers' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(updated_at) as committed_at
from {{ ref('stg_netsuite__customers') }}
group by connection

union all

select connection, 'contacts' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(updated_at) as committed_at
from {{ ref('stg_netsuite__contacts') }}
group by connection

union all

select connection, 'items' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(updated_at) as committed_at
from {{ ref('stg_netsuite__items') }}
group by connection

union all

select connection, 'transactions' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(updated_at) as committed_at
from {{ ref('stg_netsuite__transactions') }}
group by connection
