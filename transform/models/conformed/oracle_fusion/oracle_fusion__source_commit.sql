select connection, 'customers' as resource, updated_by as changed_by, max(updated_at) as committed_at
from {{ ref('stg_oracle_fusion__customers') }}
group by connection, updated_by

union all

select connection, 'customer_profiles' as resource, updated_by as changed_by, max(updated_at) as committed_at
from {{ ref('stg_oracle_fusion__customer_profiles') }}
group by connection, updated_by

union all

select connection, 'persons' as resource, updated_by as changed_by, max(updated_at) as committed_at
from {{ ref('stg_oracle_fusion__persons') }}
group by connection, updated_by

union all

select connection, 'items' as resource, updated_by as changed_by, max(updated_at) as committed_at
from {{ ref('stg_oracle_fusion__items') }}
group by connection, updated_by

union all

select connection, 'orders' as resource, updated_by as changed_by, max(updated_at) as committed_at
from {{ ref('stg_oracle_fusion__orders') }}
group by connection, updated_by

union all

select connection, 'invoices' as resource, updated_by as changed_by, max(updated_at) as committed_at
from {{ ref('stg_oracle_fusion__invoices') }}
group by connection, updated_by

union all

select connection, 'receipts' as resource, updated_by as changed_by, max(updated_at) as committed_at
from {{ ref('stg_oracle_fusion__receipts') }}
group by connection, updated_by

union all

select connection, 'credit_memos' as resource, updated_by as changed_by, max(updated_at) as committed_at
from {{ ref('stg_oracle_fusion__credit_memos') }}
group by connection, updated_by

union all

select connection, 'shipments' as resource, updated_by as changed_by, max(updated_at) as committed_at
from {{ ref('stg_oracle_fusion__shipments') }}
group by connection, updated_by
