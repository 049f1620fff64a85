select
    entity.connection,
    entity.subsidiary_id as company_id,
    coalesce(nullif(entity.legal_name, ''), entity.name) as name,
    upper(entity.country) as country,
    money.currency,
    entity.parent_subsidiary_id as parent_company_id,
    not coalesce(entity.is_inactive, false) as is_active
from {{ ref('stg_netsuite__subsidiaries') }} as entity
left join {{ ref('stg_netsuite__currencies') }} as money
    on entity.connection = money.connection and entity.currency_id = money.currency_id
where not entity.is_removed
