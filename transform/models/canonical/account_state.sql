with states as (
    {{ conformed('account_state') }}
),

technical as (
    {{ integration_users() }}
)

select
    state.connection || ':' || state.record_id as record_key,
    state.connection,
    state.system,
    {{ role_of_connection('state.connection') }} as role,
    state.record_id,
    link.customer_id,
    coalesce(link.is_primary, false) as is_primary,
    state.erp_customer_id,
    {{ decoded('customer', 'account_type', 'state.system', 'state.type_raw') }} as account_type,
    state.type_raw,
    {{ decoded('customer', 'credit_status', 'state.system', 'state.credit_status_raw') }} as credit_status,
    state.credit_status_raw,
    state.credit_limit,
    state.erp_balance,
    state.overdue_amount,
    state.overdue_days,
    {{ decoded('entitlement', 'tier', 'state.system', 'state.entitlement_tier_raw') }} as entitlement_tier,
    state.entitlement_tier_raw,
    state.entitlement_start_date,
    state.entitlement_end_date,
    state.changed_by,
    technical.agent_id is not null as is_changed_by_integration,
    state.version,
    state.changed_at
from states as state
left join technical on state.connection = technical.connection and state.changed_by = technical.agent_id
left join {{ ref('crosswalk') }} as link on state.connection = link.connection and state.record_id = link.record_id
