-- Links that are not what they were when they were accepted: when they were first published, or when a steward last decided on them.
with moved as (
    select
        link.record_key,
        link.role,
        link.method,
        record.crm_link,
        seen.accepted_customer_id as from_customer_id,
        link.customer_id as to_customer_id,
        case when seen.customer_id = link.customer_id then seen.linked_at else {{ as_of() }} end as since
    from {{ ref('crosswalk') }} as link
    inner join {{ ref('customer_record') }} as record on link.record_key = record.record_key
    inner join {{ ref('stg_crosswalk_seen') }} as seen on link.record_key = seen.record_key
    where seen.accepted_customer_id <> link.customer_id
),

living as (
    select distinct customer_id from {{ ref('crosswalk') }}
),

known as (
    select distinct accepted_customer_id as customer_id from {{ ref('stg_crosswalk_seen') }} where accepted_customer_id is not null
),

decided_record as (
    select moved.record_key, moved.role, moved.from_customer_id, moved.to_customer_id
    from moved
    left join {{ ref('crosswalk_decision') }} as decision
        on moved.record_key = decision.record_key and decision.verdict = 'apart' and decision.golden_id = moved.from_customer_id
    where moved.method = 'override' or decision.record_key is not null
),

-- whoever hangs on a record of the ERP goes where the steward sends it
decided_group as (
    select distinct from_customer_id, to_customer_id from decided_record where role = 'erp'
)

select
    moved.record_key,
    moved.role,
    moved.method,
    moved.from_customer_id,
    moved.to_customer_id,
    case
        when living.customer_id is null and known.customer_id is not null then 'merged'
        when living.customer_id is not null and known.customer_id is null then 'split'
        else 'repointed'
    end as class,
    decided_record.record_key is not null or decided_group.to_customer_id is not null
        or (moved.method = 'crm_id' and account.record_key is not null) as is_decided,
    moved.since
from moved
left join living on moved.from_customer_id = living.customer_id
left join known on moved.to_customer_id = known.customer_id
left join decided_record on moved.record_key = decided_record.record_key
left join decided_group on moved.from_customer_id = decided_group.from_customer_id and moved.to_customer_id = decided_group.to_customer_id
left join (
    select record.record_id, min(record.record_key) as record_key
    from {{ ref('customer_record') }} as record
    inner join decided_record on record.record_key = decided_record.record_key
    where record.role = 'crm'
    group by record.record_id
) as account on moved.crm_link = account.record_id
