with companies as (
    {{ conformed('company') }}
)

select
    document.connection || ':' || document.company_id as company_key,
    document.connection,
    document.company_id,
    document.name,
    document.country,
    document.currency,
    document.parent_company_id,
    document.is_active
from companies as document
