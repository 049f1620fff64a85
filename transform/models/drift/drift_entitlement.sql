{%- set grace = contract()['entitlement']['grace_seconds'] -%}
with pairs as (
    select
        class, 'entitlement' as entity, 'error' as severity, 'billing' as owner_role, customer_id,
        coalesce('subscription:' || subscription_id, 'customer:' || customer_id) as correlation_id,
        subscription_connection as left_connection, 'subscription' as left_entity, subscription_id as left_id,
        support_connection as right_connection, 'organization' as right_entity, support_record_id as right_id,
        case when class <> 'dates' then 'tier' when observed_start_date is distinct from owner_start_date then 'start_date' else 'end_date' end as field,
        case when class = 'dates' then cast(owner_start_date as varchar) || ' to ' || cast(owner_end_date as varchar) else owner_tier end as left_value,
        case when class = 'dates' then coalesce(cast(observed_start_date as varchar), '') || ' to ' || coalesce(cast(observed_end_date as varchar), '')
            else observed_tier end as right_value,
        exposure, currency, since,
        case class
            when 'lapsed_but_entitled' then 'support still grants ' || observed_tier || ' although no subscription pays for it'
            when 'missing' then 'support does not know the cover that billing sells'
            when 'tier' then 'support grants another tier than billing sells'
            else 'support shows other dates than billing'
        end as detail
    from {{ ref('reconciled_entitlement') }}
    where class in ('lapsed_but_entitled', 'missing', 'tier', 'dates')
        and (since is null or {{ is_older('since', grace) }})
),

covers as (
    select customer_id, started_at, case when is_active then null else coalesce(ended_at, cast(end_date as timestamp)) end as stopped_at
    from {{ ref('subscription') }}
    where customer_id is not null and tier is not null and status not in ('incomplete', 'incomplete_expired')
),

unknown as (
    select distinct customer_id from {{ ref('subscription') }} where status is null and customer_id is not null
),

cases as (
    select
        'case_without_cover' as class, 'case' as entity, 'error' as severity, 'support' as owner_role, ticket.customer_id,
        'subscription:' || owner.subscription_id as correlation_id,
        owner.subscription_connection as left_connection, 'subscription' as left_entity, owner.subscription_id as left_id,
        ticket.connection as right_connection, 'ticket' as right_entity, ticket.case_id as right_id,
        'created_at' as field, 'cover to ' || cast(owner.end_date as varchar) as left_value,
        cast(ticket.created_at as varchar) as right_value,
        owner.period_amount as exposure, owner.currency, ticket.created_at as since,
        'opened when no subscription covered the customer' as detail
    from {{ ref('support_case') }} as ticket
    inner join {{ ref('entitlement') }} as owner on ticket.customer_id = owner.customer_id
    left join unknown on ticket.customer_id = unknown.customer_id
    where ticket.is_open
        and unknown.customer_id is null
        and {{ is_older('ticket.created_at', grace) }}
        and not exists (
            select 1 from covers
            where covers.customer_id = ticket.customer_id and covers.started_at <= ticket.created_at
                and (covers.stopped_at is null or covers.stopped_at >= ticket.created_at)
        )
)

select 'D3' as drift_id, * from pairs
union all
select 'D3' as drift_id, * from cases
