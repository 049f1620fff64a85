with agreements as (
    {{ conformed('contract') }}
)

select
    document.connection || ':' || document.contract_id as contract_key,
    document.connection,
    document.contract_id,
    link.customer_id,
    {{ legal_entity_of('null', 'document.connection') }} as company_id,
    {{ region_of_connection('document.connection') }} as region,
    document.number,
    {{ decoded('contract', 'status', 'document.system', 'document.status_raw') }} as status,
    document.status_raw,
    {{ decoded('contract', 'tier', 'document.system', 'document.tier_raw') }} as tier,
    document.tier_raw,
    document.billing_subscription_id,
    document.start_date,
    document.end_date,
    document.updated_at
from agreements as document
left join {{ ref('crosswalk') }} as link on document.connection = link.connection and document.customer_record_id = link.record_id
