select
    entity.connection,
    entity.legal_entity_id as company_id,
    coalesce(nullif(entity.company_name, ''), entity.name) as name,
    nullif(upper(entity.country), '') as country,
    ledger.accounting_currency as currency,
    cast(null as {{ sql_type('string') }}) as parent_company_id,
    true as is_active
from {{ ref('stg_dynamics365_finance__legal_entities') }} as entity
left join {{ ref('stg_dynamics365_finance__ledgers') }} as ledger
    on entity.connection = ledger.connection and lower(entity.legal_entity_id) = lower(ledger.legal_entity_id) and not ledger.is_removed
where not entity.is_removed
