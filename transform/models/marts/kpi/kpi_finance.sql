-- money given back and contested, and what was approved for customers who were not to get it
with credits as (
    select
        pair.*,
        coalesce(pair.billing_connection, pair.case_connection, '') || coalesce('>' || pair.ledger_connection, '') as system_pair,
        {{ region_of_connection('coalesce(pair.billing_connection, pair.case_connection, pair.ledger_connection)') }} as region
    from {{ ref('reconciled_credit') }} as pair
    where pair.place = 1 and pair.class = 'matched' and pair.booked_at is not null
),

steps as (
    select 'total' as stage, case_created_at as begun_at, booked_at as ended_at, company_id, region, system_pair from credits
    union all
    select 'approval and billing' as stage, case_created_at, billed_at, company_id, region, system_pair from credits
    union all
    select 'erp' as stage, billed_at, booked_at, company_id, region, system_pair from credits
    union all
    select 'notice' as stage, booked_at, case_closed_at, company_id, region, system_pair from credits
),

-- some ERPs tell only the day of a booking: what ended on the day on which it began took no time, it did not end before
stages as (
    select stage, begun_at, case when ended_at = {{ midnight('cast(begun_at as date)') }} then begun_at else ended_at end as ended_at, company_id, region, system_pair
    from steps
),

disputes as (
    select
        document.*,
        {{ seconds_between('document.updated_at', 'document.opened_at') }} as seconds,
        {{ legal_entity_of('document.company_id', 'customer.owner_connection') }} as served_company_id,
        {{ region_of_connection('document.connection') }} as served_region
    from {{ ref('dispute') }} as document
    left join {{ ref('customer') }} as customer on document.customer_id = customer.customer_id
    -- of one that was closed before the first read some vendors do not tell when: it shows the moment that it was opened
    where document.status in ('won', 'lost', 'withdrawn') and document.updated_at > document.opened_at
),

approvals as (
    select 'order' as kind, customer_id, connection, company_id, region, created_at as approved_at
    from {{ ref('sales_order') }}
    where coalesce(status, '') not in ('draft', 'pending_approval', 'cancelled') and customer_id is not null and created_at is not null
    union all
    select 'credit' as kind, customer_id, connection, company_id, region, issued_at as approved_at
    from {{ ref('credit_note') }}
    where role = 'billing' and coalesce(status, '') not in ('draft', 'void') and customer_id is not null and issued_at is not null
),

-- as it was when it was approved, not as it is now
judged as (
    select
        approvals.*,
        -- billing names no legal entity: it is that of the ERP which keeps the customer
        {{ legal_entity_of('approvals.company_id', 'customer.owner_connection') }} as served_company_id,
        coalesce(held.is_on_hold, false) or not coalesce(cover.is_covered, true) as is_invalid
    from approvals
    left join {{ ref('customer') }} as customer on approvals.customer_id = customer.customer_id
    left join {{ ref('customer_hold_history') }} as held
        on approvals.customer_id = held.customer_id and approvals.approved_at >= held.valid_from
        and (held.valid_to is null or approvals.approved_at < held.valid_to)
    left join {{ ref('cover_history') }} as cover
        on approvals.customer_id = cover.customer_id and approvals.approved_at >= cover.valid_from
        and (cover.valid_to is null or approvals.approved_at < cover.valid_to)
)

select {{ observed('credit_cycle', 'ended_at', seconds_between('ended_at', 'begun_at'), company='company_id', region='region', pair='system_pair', segment='stage') }}
from stages
where ended_at >= begun_at
union all
select {{ observed('dispute_resolution', 'updated_at', 'sum(seconds)', 'count(*)', 'count(*)', 'served_company_id', 'served_region', 'connection') }}
from disputes
group by cast(updated_at as date), served_company_id, served_region, connection
union all
select {{ observed('invalid_account_action', 'approved_at', 'sum(case when is_invalid then 1 else 0 end)', 'count(*)', 'count(*)', 'served_company_id', 'region', 'connection', 'kind') }}
from judged
group by cast(approved_at as date), served_company_id, region, connection, kind
