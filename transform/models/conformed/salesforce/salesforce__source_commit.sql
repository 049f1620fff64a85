select connection, 'contacts' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(last_modified_at) as committed_at
from {{ ref('stg_salesforce__contacts') }}
group by connection

union all

select connection, 'opportunities' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(last_modified_at) as committed_at
from {{ ref('stg_salesforce__opportunities') }}
group by connection

union all

select connection, 'products' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(system_modstamp) as committed_at
from {{ ref('stg_salesforce__products') }}
group by connection

union all

select connection, 'accounts' as resource, last_modified_by_id as changed_by, max(last_modified_at) as committed_at
from {{ ref('stg_salesforce__accounts') }}
group by connection, last_modified_by_id

union all

select connection, 'contracts' as resource, last_modified_by_id as changed_by, max(last_modified_at) as committed_at
from {{ ref('stg_salesforce__contracts') }}
group by connection, last_modified_by_id
