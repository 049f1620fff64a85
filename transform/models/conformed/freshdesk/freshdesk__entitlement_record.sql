-- a policy names the companies that it covers; it has no dates of its own
select
    policy.connection,
    policy.sla_policy_id || ':' || company.company_id as entitlement_id,
    company.company_id as customer_record_id,
    cast(null as {{ sql_type('string') }}) as contract_id,
    cast(null as {{ sql_type('string') }}) as asset_id,
    policy.name,
    case when policy.is_active then 'active' else 'inactive' end as status_raw,
    cast(null as {{ sql_type('string') }}) as tier_raw,
    cast(null as {{ sql_type('date') }}) as start_date,
    cast(null as {{ sql_type('date') }}) as end_date,
    policy.updated_at
from {{ ref('stg_freshdesk__sla_policies') }} as policy
inner join {{ ref('stg_freshdesk__companies') }} as company
    on policy.connection = company.connection and {{ has_item('policy.company_ids', 'company.company_id') }}
where not policy.is_removed and not company.is_removed
