with deals as (
    {{ conformed('opportunity') }}
)

select
    document.connection || ':' || document.opportunity_id as opportunity_key,
    document.connection,
    document.opportunity_id,
    link.customer_id,
    {{ legal_entity_of('null', 'document.connection') }} as company_id,
    {{ region_of_connection('document.connection') }} as region,
    document.name,
    {{ decoded('opportunity', 'stage', 'document.system', 'document.stage_raw') }} as stage,
    document.stage_raw,
    document.is_won,
    document.erp_order_id,
    document.currency,
    document.amount,
    document.close_date,
    document.created_at,
    document.updated_at
from deals as document
left join {{ ref('crosswalk') }} as link on document.connection = link.connection and document.customer_record_id = link.record_id
