select connection, 'contacts' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(last_modified_at) as committed_at
from {{ ref('stg_salesforce_service__contacts') }}
group by connection

union all

select connection, 'products' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(system_modstamp) as committed_at
from {{ ref('stg_salesforce_service__products') }}
group by connection

union all

select connection, 'assets' as resource, last_modified_by_id as changed_by, max(last_modified_at) as committed_at
from {{ ref('stg_salesforce_service__assets') }}
group by connection, last_modified_by_id

union all

select connection, 'accounts' as resource, last_modified_by_id as changed_by, max(last_modified_at) as committed_at
from {{ ref('stg_salesforce_service__accounts') }}
group by connection, last_modified_by_id

union all

select connection, 'entitlements' as resource, last_modified_by_id as changed_by, max(last_modified_at) as committed_at
from {{ ref('stg_salesforce_service__entitlements') }}
group by connection, last_modified_by_id

union all

select connection, 'cases' as resource, last_modified_by_id as changed_by, max(last_modified_at) as committed_at
from {{ ref('stg_salesforce_service__cases') }}
group by connection, last_modified_by_id

union all

select connection, 'case_comments' as resource, created_by_id as changed_by, max(created_at) as committed_at
from {{ ref('stg_salesforce_service__case_comments') }}
group by connection, created_by_id
