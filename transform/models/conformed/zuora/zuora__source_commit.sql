select connection, 'accounts' as resource, updated_by_id as changed_by, max(updated_at) as committed_at
from {{ ref('stg_zuora__accounts') }}
group by connection, updated_by_id

union all

select connection, 'subscriptions' as resource, updated_by_id as changed_by, max(updated_at) as committed_at
from {{ ref('stg_zuora__subscriptions') }}
group by connection, updated_by_id

union all

select connection, 'invoices' as resource, updated_by_id as changed_by, max(updated_at) as committed_at
from {{ ref('stg_zuora__invoices') }}
group by connection, updated_by_id

union all

select connection, 'payments' as resource, updated_by_id as changed_by, max(updated_at) as committed_at
from {{ ref('stg_zuora__payments') }}
group by connection, updated_by_id

union all

select connection, 'refunds' as resource, updated_by_id as changed_by, max(updated_at) as committed_at
from {{ ref('stg_zuora__refunds') }}
group by connection, updated_by_id

union all

select connection, 'credit_memos' as resource, updated_by_id as changed_by, max(updated_at) as committed_at
from {{ ref('stg_zuora__credit_memos') }}
group by connection, updated_by_id
