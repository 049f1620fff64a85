select connection, 'accounts' as resource, updated_by as changed_by, max(updated_at) as committed_at
from {{ ref('stg_servicenow__accounts') }}
group by connection, updated_by

union all

select connection, 'contacts' as resource, updated_by as changed_by, max(updated_at) as committed_at
from {{ ref('stg_servicenow__contacts') }}
group by connection, updated_by

union all

select connection, 'users' as resource, updated_by as changed_by, max(updated_at) as committed_at
from {{ ref('stg_servicenow__users') }}
group by connection, updated_by

union all

select connection, 'cases' as resource, updated_by as changed_by, max(updated_at) as committed_at
from {{ ref('stg_servicenow__cases') }}
group by connection, updated_by

union all

select connection, 'case_comments' as resource, created_by as changed_by, max(created_at) as committed_at
from {{ ref('stg_servicenow__case_comments') }}
group by connection, created_by

union all

select connection, 'entitlements' as resource, updated_by as changed_by, max(updated_at) as committed_at
from {{ ref('stg_servicenow__entitlements') }}
group by connection, updated_by

union all

select connection, 'assets' as resource, updated_by as changed_by, max(updated_at) as committed_at
from {{ ref('stg_servicenow__assets') }}
group by connection, updated_by
