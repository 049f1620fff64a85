select record.connection, 'customers' as resource, stamp.modified_by as changed_by, max(coalesce(stamp.modified_at, record.version_at)) as committed_at
from {{ ref('stg_dynamics365_finance__customers') }} as record
left join {{ ref('stg_dynamics365_finance__customer_stamps') }} as stamp
    on record.connection = stamp.connection and record.company_id = stamp.company_id
        and record.customer_account = stamp.customer_account and not stamp.is_removed
group by record.connection, stamp.modified_by

union all

select connection, 'contacts' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(version_at) as committed_at
from {{ ref('stg_dynamics365_finance__contacts') }}
group by connection

union all

select connection, 'products' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(version_at) as committed_at
from {{ ref('stg_dynamics365_finance__products') }}
group by connection

union all

select connection, 'orders' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(version_at) as committed_at
from {{ ref('stg_dynamics365_finance__orders') }}
group by connection

union all

select connection, 'invoices' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(version_at) as committed_at
from {{ ref('stg_dynamics365_finance__invoices') }}
group by connection

union all

select connection, 'transactions' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(version_at) as committed_at
from {{ ref('stg_dynamics365_finance__transactions') }}
group by connection

union all

select connection, 'returns' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(version_at) as committed_at
from {{ ref('stg_dynamics365_finance__returns') }}
group by connection

union all

select connection, 'shipments' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(version_at) as committed_at
from {{ ref('stg_dynamics365_finance__shipments') }}
group by connection
