select connection, 'customers' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(changed_at) as committed_at
from {{ ref('stg_stripe__customers') }}
group by connection

union all

select connection, 'subscriptions' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(changed_at) as committed_at
from {{ ref('stg_stripe__subscriptions') }}
group by connection

union all

select connection, 'invoices' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(changed_at) as committed_at
from {{ ref('stg_stripe__invoices') }}
group by connection

union all

select connection, 'charges' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(changed_at) as committed_at
from {{ ref('stg_stripe__charges') }}
group by connection

union all

select connection, 'refunds' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(changed_at) as committed_at
from {{ ref('stg_stripe__refunds') }}
group by connection

union all

select connection, 'credit_notes' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(changed_at) as committed_at
from {{ ref('stg_stripe__credit_notes') }}
group by connection
