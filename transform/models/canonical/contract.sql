select
    agreement.connection || ':' || agreement.contract_id as contract_key,
    agreement.connection,
    agreement.contract_id,
    link.customer_id,
    agreement.number,
    {{ value_of('contract', 'status', 'salesforce', 'agreement.status_raw') }} as status,
    agreement.status_raw,
    {{ value_of('contract', 'tier', 'salesforce', 'agreement.tier_raw') }} as tier,
    nullif(agreement.tier_raw, '') as tier_raw,
    nullif(agreement.billing_subscription_id, '') as billing_subscription_id,
    agreement.start_date,
    agreement.end_date,
    agreement.last_modified_at as updated_at
from {{ ref('stg_salesforce__contracts') }} as agreement
left join {{ ref('crosswalk') }} as link on agreement.connection = link.connection and agreement.account_id = link.record_id
where not agreement.is_removed
