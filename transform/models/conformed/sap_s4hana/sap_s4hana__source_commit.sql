select connection, 'business_partners' as resource, nullif(last_changed_by, '') as changed_by, max(coalesce(updated_at, created_at)) as committed_at
from {{ ref('stg_sap_s4hana__business_partners') }}
group by connection, nullif(last_changed_by, '')

union all

select connection, 'sales_orders' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(updated_at) as committed_at
from {{ ref('stg_sap_s4hana__sales_orders') }}
group by connection

union all

select connection, 'billing_documents' as resource, cast(null as {{ sql_type('string') }}) as changed_by, max(updated_at) as committed_at
from {{ ref('stg_sap_s4hana__billing_documents') }}
group by connection

union all

select
    connection,
    'outbound_deliveries' as resource,
    nullif(last_changed_by, '') as changed_by,
    max(coalesce(cast(changed_date as {{ sql_type('timestamp') }}), created_at)) as committed_at
from {{ ref('stg_sap_s4hana__outbound_deliveries') }}
group by connection, nullif(last_changed_by, '')
