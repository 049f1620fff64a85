-- whoever changed a record last is told by name only, so an employee is known by its id alone
select
    connection,
    employee_id as agent_id,
    lower(nullif(email, '')) as login,
    coalesce(nullif(trim(coalesce(first_name, '') || ' ' || coalesce(last_name, '')), ''), name) as name,
    nullif(email, '') as email,
    not coalesce(is_inactive, false) as is_active
from {{ ref('stg_netsuite__employees') }}
where not is_removed
