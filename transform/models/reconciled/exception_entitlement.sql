{{ config(materialized='view') }}
{%- set grace = contract()['entitlement']['grace_seconds'] -%}
with accounts as (
    select
        'account ' || support_connection || ':' || support_record_id as exception_key, class, customer_id,
        coalesce('subscription:' || subscription_id, 'customer:' || customer_id) as correlation_id,
        subscription_connection as left_connection, subscription_id as left_id, support_connection as right_connection, support_record_id as right_id,
        case when class = 'dates' then cast(owner_start_date as {{ sql_type('string') }}) || ' to ' || cast(owner_end_date as {{ sql_type('string') }})
            else owner_tier end as left_value,
        case when class = 'dates' then coalesce(cast(observed_start_date as {{ sql_type('string') }}), '') || ' to '
            || coalesce(cast(observed_end_date as {{ sql_type('string') }}), '') else observed_tier end as right_value,
        exposure, currency, since,
        {{ team('support') }} || '+success' as owner_role,
        case class
            when 'lapsed_but_entitled' then 'support still grants ' || observed_tier || ' although no subscription pays for it'
            when 'missing' then 'support does not know the cover that billing sells'
            when 'tier' then 'support grants another tier than billing sells'
            else 'support shows other dates than billing'
        end as detail
    from {{ ref('reconciled_entitlement') }}
    where class in ('lapsed_but_entitled', 'missing', 'tier', 'dates')
),

records as (
    select
        'record ' || pair_key as exception_key, class, customer_id, correlation_id,
        subscription_connection as left_connection, subscription_id as left_id, support_connection as right_connection, entitlement_id as right_id,
        case when class = 'dates' then cast(owner_end_date as {{ sql_type('string') }}) else owner_tier end as left_value,
        case when class = 'dates' then cast(observed_end_date as {{ sql_type('string') }}) else observed_tier end as right_value,
        exposure, currency, since,
        {{ team('support') }} || '+success' as owner_role,
        case class
            when 'lapsed_but_entitled' then 'the desk''s own entitlement goes on although no subscription pays for it'
            when 'missing' then 'the desk''s own entitlement does not cover what billing sells'
            when 'tier' then 'the desk''s own entitlement is of another tier than billing sells'
            else 'the desk''s own entitlement ends on another day than billing''s'
        end as detail
    from {{ ref('reconciled_entitlement_record') }}
    where class in ('lapsed_but_entitled', 'missing', 'tier', 'dates')
),

contracts as (
    select
        'contract ' || pair_key as exception_key,
        'contract_' || class as class,
        customer_id, correlation_id,
        contract_connection as left_connection, contract_id as left_id, subscription_connection as right_connection, subscription_id as right_id,
        case class when 'tier' then contract_tier when 'dates' then cast(contract_start_date as {{ sql_type('string') }}) || ' to '
            || coalesce(cast(contract_end_date as {{ sql_type('string') }}), '') else contract_status end as left_value,
        case class when 'tier' then subscription_tier when 'dates' then cast(subscription_start_date as {{ sql_type('string') }}) || ' to '
            || coalesce(cast(subscription_end_date as {{ sql_type('string') }}), '') else subscription_status end as right_value,
        exposure, currency, since,
        {{ team('crm') }} || '+' || {{ team('billing') }} as owner_role,
        reason as detail
    from {{ ref('reconciled_contract') }}
    where class in ('missing_in_billing', 'missing_in_crm', 'status', 'tier', 'dates')
),

found as (
    select * from accounts
    union all
    select * from records
    union all
    select * from contracts
)

select
    'entitlement' as domain,
    exception_key,
    class,
    case when class in ('dates', 'contract_dates') then 'warn' else 'error' end as severity,
    owner_role,
    customer_id,
    correlation_id,
    left_connection,
    left_id,
    right_connection,
    right_id,
    left_value,
    right_value,
    {{ money('exposure') }} as exposure,
    currency,
    since,
    detail
from found
where since is null or {{ is_older('since', grace) }}
