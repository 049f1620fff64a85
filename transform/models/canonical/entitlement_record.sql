with entitlements as (
    {{ conformed('entitlement_record') }}
)

select
    document.connection || ':' || document.entitlement_id as entitlement_key,
    document.connection,
    document.entitlement_id,
    link.customer_id,
    {{ legal_entity_of('null', 'document.connection') }} as company_id,
    {{ region_of_connection('document.connection') }} as region,
    document.contract_id,
    document.asset_id,
    document.name,
    {{ decoded('entitlement_record', 'status', 'document.system', 'document.status_raw') }} as status,
    document.status_raw,
    {{ decoded('entitlement', 'tier', 'document.system', 'document.tier_raw') }} as tier,
    document.tier_raw,
    document.start_date,
    document.end_date,
    document.updated_at
from entitlements as document
left join {{ ref('crosswalk') }} as link on document.connection = link.connection and document.customer_record_id = link.record_id
