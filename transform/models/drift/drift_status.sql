-- the contract names its subscription, else the subscription its contract: two joins, for one with `or` compares each with each
with agreements as (
    select agreement.connection, agreement.contract_id, agreement.status, subscription.subscription_key
    from {{ ref('contract') }} as agreement
    inner join {{ ref('subscription') }} as subscription
        on agreement.billing_subscription_id = subscription.subscription_id and {{ same_customer('agreement', 'subscription') }}

    union all

    select agreement.connection, agreement.contract_id, agreement.status, subscription.subscription_key
    from {{ ref('contract') }} as agreement
    inner join {{ ref('subscription') }} as subscription
        on agreement.contract_id = subscription.contract_id and {{ same_customer('agreement', 'subscription') }}
    where agreement.billing_subscription_id is null
),

contracts as (
    select
        'contract_subscription' as class, 'contract' as entity, 'error' as severity, 'billing' as owner_role, subscription.customer_id,
        'subscription:' || subscription.subscription_id as correlation_id,
        subscription.connection as left_connection, 'subscription' as left_entity, subscription.subscription_id as left_id,
        agreement.connection as right_connection, 'contract' as right_entity, agreement.contract_id as right_id,
        'status' as field, subscription.status as left_value, agreement.status as right_value,
        subscription.period_amount as exposure, subscription.currency,
        coalesce(subscription.ended_at, subscription.updated_at) as since,
        'a contract that is ' || agreement.status || ' cannot have a subscription that is ' || subscription.status as detail
    from agreements as agreement
    inner join {{ ref('subscription') }} as subscription on agreement.subscription_key = subscription.subscription_key
    where {{ is_older('coalesce(subscription.ended_at, subscription.updated_at)', contract()['contract']['status_grace_seconds']) }}
        and ({%- for status, forbidden in contract()['contract']['forbidden_pairs'].items() %}
            {{ 'or ' if not loop.first }}(agreement.status = '{{ status }}' and subscription.status in ({{ quoted(forbidden) }}))
        {%- endfor %})
),

customers as (
    select
        'inactive_customer' as class, 'customer' as entity, 'error' as severity, 'erp' as owner_role, customer.customer_id,
        'customer:' || customer.customer_id as correlation_id,
        customer.owner_connection as left_connection, 'customer' as left_entity, customer.owner_record_id as left_id,
        account.connection as right_connection, 'account' as right_entity, account.record_id as right_id,
        'is_active' as field, 'inactive' as left_value, account.type_raw as right_value,
        customer.balance as exposure, customer.currency, customer.updated_at as since,
        'the ERP has closed a customer that the CRM still serves' as detail
    from {{ ref('customer') }} as customer
    inner join {{ ref('account_state') }} as account on customer.customer_id = account.customer_id and account.role = 'crm' and account.is_primary
    where not customer.is_active
        and account.account_type = 'customer'
        and {{ is_older('customer.updated_at', contract()['customer']['status_grace_seconds']) }}
)

select 'D1' as drift_id, * from contracts
union all
select 'D1' as drift_id, * from customers
