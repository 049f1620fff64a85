{%- set policy = contract()['contract'] -%}
with agreements as (
    select * from {{ ref('contract') }}
),

subscriptions as (
    select * from {{ ref('subscription') }} where tier is not null
),

by_contract as (
    select agreements.contract_key, subscriptions.subscription_key, 1 as pass, 'contract names subscription' as method
    from agreements
    inner join subscriptions on agreements.billing_subscription_id = subscriptions.subscription_id and {{ same_customer('agreements', 'subscriptions') }}
),

by_subscription as (
    select agreements.contract_key, subscriptions.subscription_key, 2 as pass, 'subscription names contract' as method
    from subscriptions
    inner join agreements on subscriptions.contract_id = agreements.contract_id and {{ same_customer('subscriptions', 'agreements') }}
    left join by_contract on agreements.contract_key = by_contract.contract_key and subscriptions.subscription_key = by_contract.subscription_key
    where by_contract.contract_key is null
),

referred as (
    select * from by_contract
    union all
    select * from by_subscription
),

candidates as (
    select
        agreements.contract_key,
        subscriptions.subscription_key,
        row_number() over (
            partition by agreements.contract_key
            order by abs({{ days_between('agreements.start_date', 'subscriptions.start_date') }}), subscriptions.subscription_key) as contract_place,
        row_number() over (
            partition by subscriptions.subscription_key
            order by abs({{ days_between('agreements.start_date', 'subscriptions.start_date') }}), agreements.contract_key) as subscription_place
    from agreements
    inner join subscriptions on agreements.customer_id = subscriptions.customer_id
    left join referred as taken on agreements.contract_key = taken.contract_key
    left join referred as used on subscriptions.subscription_key = used.subscription_key
    where taken.contract_key is null and used.subscription_key is null
        and agreements.billing_subscription_id is null and subscriptions.contract_id is null
        and agreements.status = 'activated'
        and abs({{ days_between('agreements.start_date', 'subscriptions.start_date') }}) <= {{ policy['window_days'] }}
),

links as (
    select contract_key, subscription_key, method, {{ policy['confidence_id'] }} as confidence from referred
    union all
    select contract_key, subscription_key, 'customer, start' as method, {{ policy['confidence_content'] }} as confidence
    from candidates
    where contract_place = 1 and subscription_place = 1
),

crm_connections as (
    select min(connection) as connection from {{ ref('crosswalk') }} where role = 'crm'
),

billed_customers as (
    select customer_id, min(connection) as connection from {{ ref('crosswalk') }} where role = 'billing' group by customer_id
),

pairs as (
    select
        coalesce(agreements.contract_key || coalesce(' / ' || subscriptions.subscription_key, ''), subscriptions.subscription_key) as pair_key,
        coalesce(subscriptions.customer_id, agreements.customer_id) as customer_id,
        coalesce('subscription:' || coalesce(subscriptions.subscription_id, agreements.billing_subscription_id), 'contract:' || agreements.contract_id) as correlation_id,
        coalesce(agreements.connection, crm_connections.connection) as contract_connection,
        agreements.contract_id,
        agreements.status as contract_status,
        agreements.tier as contract_tier,
        agreements.tier_raw as contract_tier_raw,
        agreements.billing_subscription_id as named_subscription_id,
        agreements.start_date as contract_start_date,
        agreements.end_date as contract_end_date,
        coalesce(subscriptions.connection, billed_customers.connection) as subscription_connection,
        subscriptions.subscription_id,
        subscriptions.status as subscription_status,
        subscriptions.is_active,
        subscriptions.tier as subscription_tier,
        subscriptions.contract_id as named_contract_id,
        subscriptions.start_date as subscription_start_date,
        subscriptions.end_date as subscription_end_date,
        billed_customers.customer_id is not null as is_billed_customer,
        links.method,
        cast(links.confidence as decimal(5, 4)) as confidence,
        subscriptions.period_amount as exposure,
        subscriptions.currency,
        coalesce(subscriptions.ended_at, subscriptions.updated_at, agreements.updated_at) as since
    from links
    full outer join agreements on links.contract_key = agreements.contract_key
    full outer join subscriptions on links.subscription_key = subscriptions.subscription_key
    cross join crm_connections
    left join billed_customers on coalesce(subscriptions.customer_id, agreements.customer_id) = billed_customers.customer_id
),

classified as (
    select
        *,
        case
            when contract_id is not null and contract_status is null then 'unknown'
            when subscription_id is not null and subscription_status is null then 'unknown'
            when subscription_id is null and contract_status <> 'activated' then 'not_expected'
            when subscription_id is null and contract_end_date < cast({{ as_of() }} as date) then 'not_expected'
            when subscription_id is null and customer_id is null then 'customer_unknown'
            when subscription_id is null and not is_billed_customer then 'customer_unknown'
            when subscription_id is null and not {{ is_older('since', policy['booking_grace_seconds']) }} then 'timing'
            when subscription_id is null then 'missing_in_billing'
            when contract_id is null and (not is_active or named_contract_id is null or contract_connection is null) then 'not_expected'
            when contract_id is null and not {{ is_older('since', policy['booking_grace_seconds']) }} then 'timing'
            when contract_id is null then 'missing_in_crm'
            when not {{ is_older('since', policy['status_grace_seconds']) }} then 'timing'
            {%- for status, forbidden in policy['forbidden_pairs'].items() %}
            when contract_status = '{{ status }}' and subscription_status in ({{ quoted(forbidden) }}) then 'status'
            {%- endfor %}
            when not is_active then 'matched'
            when contract_tier <> subscription_tier then 'tier'
            when contract_tier is null and contract_tier_raw is not null then 'unknown'
            when abs({{ days_between('contract_start_date', 'subscription_start_date') }}) > {{ policy['window_days'] }} then 'dates'
            when contract_status = 'expired' or {{ days_between('cast(' ~ as_of() ~ ' as date)', 'contract_end_date') }} > {{ policy['window_days'] }} then 'dates'
            else 'matched'
        end as class
    from pairs
)

select
    pair_key,
    customer_id,
    correlation_id,
    contract_connection,
    contract_id,
    contract_status,
    contract_tier,
    contract_start_date,
    contract_end_date,
    subscription_connection,
    subscription_id,
    subscription_status,
    is_active,
    subscription_tier,
    subscription_start_date,
    subscription_end_date,
    method,
    confidence,
    exposure,
    currency,
    since,
    class,
    case
        when class = 'unknown' then 'a status or tier is unknown'
        when class = 'timing' then 'within the grace'
        when class = 'customer_unknown' then 'billing does not know the contract''s customer'
        when class = 'missing_in_billing' and named_subscription_id is not null then 'names subscription ' || named_subscription_id || ', which billing does not have'
        when class = 'missing_in_billing' then 'no subscription bills it'
        when class = 'missing_in_crm' then 'names contract ' || named_contract_id || ', which the CRM does not have'
        when class = 'status' then 'a contract that is ' || contract_status || ' cannot have a subscription that is ' || subscription_status
        when class = 'tier' then 'the contract promises another tier than billing sells'
        when class = 'dates' and contract_status = 'expired' then 'the contract has expired, and its subscription goes on'
        when class = 'dates' and abs({{ days_between('contract_start_date', 'subscription_start_date') }}) > {{ policy['window_days'] }}
            then 'they begin on ' || cast(contract_start_date as {{ sql_type('string') }}) || ' and ' || cast(subscription_start_date as {{ sql_type('string') }})
        when class = 'dates' then 'the contract ended, and its subscription goes on'
        when class = 'not_expected' and subscription_id is null and contract_status <> 'activated' then 'the contract is ' || contract_status
        when class = 'not_expected' and subscription_id is null then 'the contract has run out'
        when class = 'not_expected' and not is_active then 'the subscription has ended'
        when class = 'not_expected' and named_contract_id is null then 'sold without a contract'
        when class = 'not_expected' then 'no CRM is connected'
    end as reason
from classified
