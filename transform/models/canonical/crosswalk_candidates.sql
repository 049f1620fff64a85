with records as (
    select * from {{ ref('customer_record') }}
),

overrides as (
    select * from {{ ref('crosswalk_overrides') }}
),

owners as (
    select record.*, {{ golden_id('record.connection', 'record.record_id') }} as own_id
    from records as record
    where record.role = 'erp'
),

-- the same company entered twice in the ERP: the earliest record leads. A declared parent is a hierarchy, not a duplicate.
by_tax_id as (
    select
        record_key,
        first_value(record_key) over (
            partition by coalesce(tax_key, record_key), coalesce(parent_record_id, '') order by created_at, length(record_id), record_id
        ) as leader_key
    from owners
),

leaders as (
    select owner.* from owners as owner inner join by_tax_id as link on owner.record_key = link.record_key and owner.record_key = link.leader_key
),

by_place as (
    select later.record_key, min_by(earlier.record_key, (earlier.created_at, earlier.record_id)) as leader_key
    from leaders as later
    inner join leaders as earlier
        on later.country = earlier.country
        and later.postcode_key = earlier.postcode_key
        and (later.name_key = earlier.name_key or later.domain = earlier.domain)
        and (later.tax_key is null or earlier.tax_key is null)
        and coalesce(later.parent_record_id, '') = coalesce(earlier.parent_record_id, '')
        and (earlier.created_at, earlier.record_id) < (later.created_at, later.record_id)
    group by later.record_key
),

erp_links as (
    select
        owner.record_key,
        owner.connection,
        owner.record_id,
        case
            when split.golden_id is not null then owner.own_id
            else coalesce(merge.golden_id, second_leader.own_id, leader.own_id)
        end as customer_id,
        case
            when merge.golden_id is not null then 'override'
            when owner.record_key = coalesce(place.leader_key, tax.leader_key) or split.golden_id is not null then 'owner'
            when owner.record_key <> tax.leader_key then 'tax_id'
            else 'name_address'
        end as method,
        coalesce(merge.reason, split.reason, 'leader ' || coalesce(place.leader_key, tax.leader_key)) as evidence
    from owners as owner
    inner join by_tax_id as tax on owner.record_key = tax.record_key
    inner join owners as leader on tax.leader_key = leader.record_key
    left join by_place as place on tax.leader_key = place.record_key
    left join owners as second_leader on place.leader_key = second_leader.record_key
    left join overrides as merge
        on merge.action in ('merge', 'link') and owner.connection = merge.connection and owner.record_id = merge.native_id
    left join overrides as split
        on split.action = 'split' and owner.connection = split.connection and owner.record_id = split.native_id
),

golden as (
    select owner.*, link.customer_id
    from owners as owner
    inner join erp_links as link on owner.record_key = link.record_key
),

observers as (
    select * from records where role <> 'erp'
),

direct as (
    select observer.record_key, merge.golden_id as customer_id, 'override' as method, 0 as pass, merge.reason as evidence
    from observers as observer
    inner join overrides as merge
        on merge.action in ('merge', 'link') and observer.connection = merge.connection and observer.record_id = merge.native_id

    union all

    select observer.record_key, owner.customer_id, 'erp_id' as method, 1 as pass, 'erp id ' || observer.erp_link as evidence
    from observers as observer
    inner join golden as owner on observer.erp_link = owner.record_id

    union all

    select observer.record_key, owner.customer_id, 'erp_external_id' as method, 2 as pass, 'named by ' || owner.record_key as evidence
    from observers as observer
    inner join golden as owner on observer.role = 'crm' and observer.record_id = owner.crm_link

    union all

    select observer.record_key, owner.customer_id, 'tax_id' as method, 4 as pass, 'tax id ' || observer.tax_key as evidence
    from observers as observer
    inner join golden as owner on observer.tax_key = owner.tax_key

    union all

    select observer.record_key, owner.customer_id, 'domain' as method, 5 as pass, 'domain ' || observer.domain as evidence
    from observers as observer
    inner join golden as owner on observer.domain = owner.domain

    union all

    select observer.record_key, owner.customer_id, 'name_address' as method, 6 as pass, 'name ' || observer.name_key || ', ' || observer.postcode_key as evidence
    from observers as observer
    inner join golden as owner
        on observer.name_key = owner.name_key and observer.country = owner.country and observer.postcode_key = owner.postcode_key

    union all

    -- a name alone is not enough to link, but worth a look
    select observer.record_key, owner.customer_id, 'name' as method, 9 as pass, 'name ' || observer.name_key as evidence
    from observers as observer
    inner join golden as owner on observer.name_key = owner.name_key
),

best_crm as (
    select record_key, min_by(customer_id, (pass, customer_id)) as customer_id
    from direct
    where pass < 9
    group by record_key
),

through_crm as (
    select observer.record_key, best.customer_id, 'crm_id' as method, 3 as pass, 'crm id ' || observer.crm_link as evidence
    from observers as observer
    inner join observers as account on observer.role = 'support' and account.role = 'crm' and observer.crm_link = account.record_id
    inner join best_crm as best on account.record_key = best.record_key
),

-- Probabilistic matches join here as a further pass with their own score; until then the passes above are all there are.
candidates as (
    select * from direct
    union all
    select * from through_crm
    union all
    select record_key, customer_id, method, 0 as pass, evidence from erp_links
),

allowed as (
    select candidate.*
    from candidates as candidate
    inner join records as record on candidate.record_key = record.record_key
    left join overrides as split
        on split.action = 'split' and record.connection = split.connection and record.record_id = split.native_id
        and candidate.customer_id = split.golden_id and record.role <> 'erp'
    where split.golden_id is null
)

select
    record_key,
    customer_id,
    pass,
    method,
    cast(case method
        when 'owner' then 1.0 when 'override' then 1.0 when 'erp_id' then 1.0 when 'erp_external_id' then 1.0 when 'crm_id' then 0.99
        when 'tax_id' then 0.98 when 'domain' then 0.95 when 'name_address' then 0.9 else 0.6
    end as decimal(5, 4)) as score,
    min(evidence) as evidence,
    count(*) over (partition by record_key, pass) as rivals
from allowed
group by record_key, customer_id, pass, method
