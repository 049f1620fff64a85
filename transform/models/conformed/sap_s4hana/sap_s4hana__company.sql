select
    connection,
    company_id,
    name,
    upper(nullif(country, '')) as country,
    nullif(currency, '') as currency,
    cast(null as {{ sql_type('string') }}) as parent_company_id,
    true as is_active
from {{ ref('stg_sap_s4hana__company_codes') }}
where not is_removed
