{% set hold_grace = contract()['customer']['hold_grace_seconds'] %}
{%- set cover_grace = contract()['entitlement']['grace_seconds'] %}
{%- set document_grace = contract()['invoice']['grace_seconds'] %}
-- what became of our writes: lag, success, queue. A write that a newer one replaced was never meant to arrive and counts nowhere.
with {{ level_days() }},

deliveries as (
    select
        delivery.*,
        coalesce(delivery.source_commit_at, delivery.created_at) as committed_at,
        case when delivery.state in ('verified', 'dead_letter', 'superseded', 'overwritten') then coalesce(delivery.verified_at, delivery.updated_at) end as ended_at,
        delivery.state in ('dead_letter', 'overwritten') as is_failed,
        delivery.state = 'verified' as is_confirmed,
        {{ seconds_between('coalesce(delivery.verified_at, clock.as_of)', 'coalesce(delivery.source_commit_at, delivery.created_at)') }}
            > case delivery.priority when 1 then {{ hold_grace }} when 2 then {{ cover_grace }} else {{ document_grace }} end as is_late,
        {{ legal_entity_of_connection('customer.owner_connection') }} as company_id,
        {{ region_of_connection('delivery.connection') }} as region,
        coalesce(case when delivery.priority = 2 then cover.subscription_connection end, customer.owner_connection, '') || '>' || delivery.connection as system_pair
    from {{ ref('stg_deliveries') }} as delivery
    cross join clock
    left join {{ ref('customer') }} as customer on delivery.customer_id = customer.customer_id
    left join {{ ref('entitlement') }} as cover on delivery.customer_id = cover.customer_id
),

intended as (
    select * from deliveries where state <> 'superseded'
),

-- several read-backs may belong to one write: the first that showed it
confirmations as (
    select delivery_id, min(read_back_at) as read_back_at
    from {{ ref('stg_receipts') }}
    where is_written and outcome = 'verified'
    group by delivery_id
),

lags as (
    select intended.*, confirmation.read_back_at, {{ seconds_between('confirmation.read_back_at', 'intended.source_commit_at') }} as lag
    from intended
    inner join confirmations as confirmation on intended.delivery_id = confirmation.delivery_id
    where intended.source_commit_at is not null
),

-- what has been sent under one key must have had one effect
sent as (
    select min(delivery_id) as delivery_id, max(delivered_at) as delivered_at, count(*) - 1 as too_many
    from {{ ref('stg_receipts') }}
    where is_written
    group by idempotency_key
),

effects as (
    select sent.*, deliveries.company_id, deliveries.region, deliveries.system_pair
    from sent
    left join deliveries on sent.delivery_id = deliveries.delivery_id
),

-- the first confirmed cover after a deal was won
activations as (
    select
        deal.opportunity_key,
        min(deal.close_date) as won_on,
        min(cover.verified_at) as active_at,
        min(cover.company_id) as company_id,
        min(cover.region) as region,
        min(deal.connection || '>' || cover.connection) as system_pair
    from {{ ref('opportunity') }} as deal
    inner join deliveries as cover
        on deal.customer_id = cover.customer_id and cover.priority = 2 and cover.is_confirmed
        and cover.verified_at >= deal.close_date and cover.verified_at < {{ dbt.dateadd('day', kpi_policy()['activation_days'] | int, 'deal.close_date') }}
    where deal.is_won
    group by deal.opportunity_key
),

waiting as (
    select days.day, deliveries.*, {{ seconds_between('days.seen_at', 'deliveries.created_at') }} as age
    from deliveries
    inner join days on deliveries.created_at < days.ends_at and (deliveries.ended_at is null or deliveries.ended_at >= days.ends_at)
)

select {{ observed('sync_lag', 'read_back_at', 'lag', company='company_id', region='region', pair='system_pair', segment='object') }}
from lags
union all
select {{ observed('order_sync_lag', 'read_back_at', 'lag', company='company_id', region='region', pair='system_pair') }}
from lags
where correlation_id like 'order:%'
union all
select {{ observed('synchronisation', 'created_at', 'sum(case when is_confirmed then 1 else 0 end)', 'count(*)', 'count(*)', 'company_id', 'region', 'system_pair') }}
from intended
group by cast(created_at as date), company_id, region, system_pair
union all
select {{ observed('credit_status_failure', 'committed_at', 'sum(case when is_failed or is_late then 1 else 0 end)', 'count(*)', 'count(*)', 'company_id', 'region', 'system_pair') }}
from intended
where priority = 1
group by cast(committed_at as date), company_id, region, system_pair
union all
select {{ observed('entitlement_publication', 'committed_at', 'sum(case when is_confirmed and not is_late then 1 else 0 end)', 'count(*)', 'count(*)', 'company_id', 'region', 'system_pair') }}
from intended
where priority = 2
group by cast(committed_at as date), company_id, region, system_pair
union all
select {{ observed('sla_breaches', 'committed_at', 'sum(case when is_failed or is_late then 1 else 0 end)', 'count(*)', 'count(*)', 'company_id', 'region', 'system_pair',
    "case priority when 1 then 'credit_status' when 2 then 'entitlement' else 'other' end") }}
from intended
group by cast(committed_at as date), company_id, region, system_pair, case priority when 1 then 'credit_status' when 2 then 'entitlement' else 'other' end
union all
select {{ observed('retries', 'created_at', 'sum(case when attempts > 1 then attempts - 1 else 0 end)', 'count(*)', 'count(*)', 'company_id', 'region', 'system_pair') }}
from deliveries
group by cast(created_at as date), company_id, region, system_pair
union all
select {{ observed('duplicate_effects', 'delivered_at', 'sum(too_many)', 'count(*)', 'count(*)', 'company_id', 'region', 'system_pair', "'sync'") }}
from effects
group by cast(delivered_at as date), company_id, region, system_pair
union all
select {{ observed('order_to_service', 'active_at', seconds_between('active_at', 'cast(won_on as timestamp)'), company='company_id', region='region', pair='system_pair') }}
from activations
union all
select {{ observed('queue_depth', 'day', 'count(*)', 'count(*)', 'count(*)', 'company_id', 'region', 'system_pair') }}
from waiting
group by day, company_id, region, system_pair
union all
select {{ observed('queue_age', 'day', 'max(age)', 'count(*)', 'count(*)', 'company_id', 'region', 'system_pair') }}
from waiting
group by day, company_id, region, system_pair
union all
select {{ observed('dead_letters', 'days.day', 'count(*)', 'count(*)', 'count(*)', 'dead.company_id', 'dead.region', 'dead.system_pair', 'dead.reason_class') }}
from deliveries as dead
inner join days on dead.ended_at < days.ends_at
where dead.state = 'dead_letter'
group by days.day, dead.company_id, dead.region, dead.system_pair, dead.reason_class
