-- the ERP keeps every document type in one table: decoded once, split by the models that follow
select
    document.*,
    currency.currency,
    unit.minor_units,
    link.customer_id as golden_customer_id
from {{ ref('stg_netsuite__transactions') }} as document
left join {{ ref('stg_netsuite__currencies') }} as currency
    on document.connection = currency.connection and document.currency_id = currency.currency_id
left join {{ ref('currency') }} as unit on unit.system = 'netsuite' and currency.currency = unit.currency
left join {{ ref('crosswalk') }} as link on document.connection = link.connection and document.customer_id = link.record_id
where not document.is_removed
