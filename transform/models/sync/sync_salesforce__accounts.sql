{%- set fields = target_fields({
    'erp_customer_id': 'ERP_Customer_Id__c', 'credit_status': 'Credit_Status__c', 'credit_limit': 'Credit_Limit__c', 'erp_balance': 'ERP_Balance__c',
    'overdue_amount': 'Overdue_Amount__c', 'overdue_days': 'Overdue_Days__c', 'tier': 'Entitlement_Tier__c',
    'start_date': 'Entitlement_Start__c', 'end_date': 'Entitlement_End__c',
}) -%}
with desired as (
    -- the CRM's own spelling of the words: the value map read backwards
    select
        state.* exclude (credit_status, tier),
        (select min(code.raw_value) from {{ ref('value_map') }} as code
         where code.system = 'salesforce' and code.entity = 'customer' and code.field = 'credit_status' and code.value = state.credit_status
        ) as credit_status,
        (select min(code.raw_value) from {{ ref('value_map') }} as code
         where code.system = 'salesforce' and code.entity = 'entitlement' and code.field = 'tier' and code.value = state.tier
        ) as tier
    from {{ ref('desired_customer_state') }} as state
),

observed as (
    select
        link.customer_id,
        account.connection,
        account.account_id as record_id,
        nullif(account.erp_customer_id, '') as erp_customer_id,
        nullif(account.credit_status_raw, '') as credit_status,
        account.credit_limit,
        account.erp_balance,
        account.overdue_amount,
        account.overdue_days,
        nullif(account.entitlement_tier_raw, '') as tier,
        account.entitlement_start_date as start_date,
        account.entitlement_end_date as end_date,
        account.system_modstamp
    from {{ ref('stg_salesforce__accounts') }} as account
    inner join {{ ref('crosswalk') }} as link
        on account.connection = link.connection and account.account_id = link.record_id and link.is_primary
    where not account.is_removed
)

select
    observed.connection,
    'Account' as object,
    observed.record_id,
    {{ json_fields(fields, 'desired') }} as desired_fields,
    {{ json_fields(fields, 'observed') }} as observed_fields,
    {{ iso_text('observed.system_modstamp', '%Y-%m-%dT%H:%M:%S.%g+0000') }} as observed_version,
    desired.source_commit_at,
    'customer:' || desired.customer_id as correlation_id,
    desired.customer_id as golden_customer_id,
    case
        when {{ any_differs(fields, ['Credit_Status__c']) }} then 1
        when {{ any_differs(fields, ['Entitlement_Tier__c', 'Entitlement_Start__c', 'Entitlement_End__c']) }} then 2
        else 3
    end as priority,
    desired.is_over_approval_limit and {{ any_differs(fields, ['Credit_Status__c']) }} as needs_approval,
    desired.exposure,
    desired.currency
from desired
inner join observed on desired.customer_id = observed.customer_id
