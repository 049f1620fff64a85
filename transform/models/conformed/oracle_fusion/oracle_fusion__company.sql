select
    connection,
    legal_entity_id as company_id,
    name,
    cast(null as {{ sql_type('string') }}) as country,
    cast(null as {{ sql_type('string') }}) as currency,
    cast(null as {{ sql_type('string') }}) as parent_company_id,
    effective_to is null as is_active
from {{ ref('stg_oracle_fusion__legal_entities') }}
where not is_removed
