-- Which records of the ERP are one company, and the golden id that it goes by.
-- Each record follows one other at most, by the strongest key; a cluster is who ends at the same record.
with owners as (
    select record.*, {{ golden_id('record.connection', 'record.record_id') }} as own_id
    from {{ ref('customer_record') }} as record
    where record.role = 'erp'
),

-- alike beyond doubt, alone in that, and of one place in the hierarchy; the one without a tax id follows
alike as (
    select
        follower.record_key,
        leader.record_key as owner_key,
        match.match_weight,
        match.match_probability,
        match.evidence
    from (
        select left_key as record_key, right_key as other_key, match_weight, match_probability, evidence from {{ ref('customer_match') }} where band = 'match'
        union all
        select right_key, left_key, match_weight, match_probability, evidence from {{ ref('customer_match') }} where band = 'match'
    ) as match
    inner join owners as follower on match.record_key = follower.record_key
    inner join owners as leader on match.other_key = leader.record_key
    where follower.tax_key is null
        and (leader.tax_key is not null or ({{ seniority('leader') }}) < ({{ seniority('follower') }}))
        and coalesce(follower.parent_record_id, '') = coalesce(leader.parent_record_id, '')
        and coalesce(follower.connection <> leader.connection or follower.parent_record_id <> leader.record_id, true)
        and coalesce(follower.connection <> leader.connection or leader.parent_record_id <> follower.record_id, true)
),

alike_best as (
    select *, max(match_weight) over (partition by record_key) - match_weight as behind
    from alike
),

follows as (
    select record_key, owner_key as next_key, method, pass, evidence, cast(null as {{ sql_type('double') }}) as probability
    from {{ ref('crosswalk_keys') }}
    where record_key in (select record_key from owners) and owner_key is not null

    union all

    select record_key, owner_key, 'probabilistic', 7, evidence, match_probability
    from alike_best
    where behind < {{ contract()['customer']['match_margin'] }}
    qualify count(*) over (partition by record_key) = 1
),

apart as (
    select * from {{ ref('crosswalk_decision') }} where verdict = 'apart' and record_key in (select record_key from owners)
),

-- first without the records that a steward keeps away from somebody ...
undisputed as (
    select record_key, next_key
    from follows
    where record_key not in (select record_key from apart) and next_key not in (select record_key from apart)
    qualify row_number() over (partition by record_key order by pass, next_key) = 1
),

{{ followed('undisputed', 'undisputed') }},

undisputed_root as (
    select owner.record_key, coalesce(step.next_key, owner.record_key) as root_key
    from owners as owner
    left join undisputed_end as step on owner.record_key = step.record_key
),

-- ... then with every step of theirs that does not lead where they may not be
allowed as (
    select follows.*
    from follows
    left join undisputed_root as here on follows.record_key = here.record_key
    left join undisputed_root as there on follows.next_key = there.record_key
    where not exists (
        select 1
        from apart
        inner join undisputed_root as barred on apart.owner_key = barred.record_key
        where (apart.record_key = follows.record_key and barred.root_key = there.root_key)
            or (apart.record_key = follows.next_key and barred.root_key = here.root_key)
    )
),

step as (
    select *
    from allowed
    qualify row_number() over (partition by record_key order by pass, next_key) = 1
),

{{ followed('step', 'step') }},

-- who goes where a steward sent it gives no id to the company that it came to; where all were sent, the last word says who stays
clustered as (
    select owner.*, coalesce(step_end.next_key, owner.record_key) as root_key, sent.decided_at as sent_at
    from owners as owner
    left join step_end on owner.record_key = step_end.record_key
    left join step on owner.record_key = step.record_key and step.method = 'override'
    left join {{ ref('crosswalk_decision') }} as sent on step.record_key = sent.record_key and sent.verdict = 'together'
),

-- A cluster keeps the golden id that it was published under. Where two clusters were one, the record that gave the id keeps it,
-- else the oldest that had it; where one cluster was two, the older id stays, or the one that a steward's merge named.
published as (
    select
        clustered.root_key,
        clustered.record_key,
        seen.customer_id,
        row_number() over (
            partition by seen.customer_id
            order by case when clustered.own_id = seen.customer_id then 0 else 1 end, {{ seniority('clustered') }}
        ) as claim
    from clustered
    inner join {{ ref('stg_crosswalk_seen') }} as seen on clustered.record_key = seen.record_key
    where seen.customer_id is not null
),

kept as (
    select published.root_key, published.customer_id
    from published
    inner join clustered as owner on published.record_key = owner.record_key
    where published.claim = 1
    qualify row_number() over (partition by published.root_key order by owner.sent_at nulls first, {{ seniority('owner') }}) = 1
),

leaders as (
    select *
    from clustered
    qualify row_number() over (partition by root_key order by sent_at nulls first, {{ seniority() }}) = 1
)

select
    clustered.record_key,
    clustered.connection,
    clustered.record_id,
    coalesce(kept.customer_id, leader.own_id) as customer_id,
    case
        when own.method = 'override' then 'override'
        when clustered.own_id = coalesce(kept.customer_id, leader.own_id) then 'owner'
        when own.method is not null then own.method
        else coalesce(follower.method, 'owner')
    end as method,
    case
        when own.method = 'override' then own.evidence
        when clustered.own_id = coalesce(kept.customer_id, leader.own_id) then 'leader ' || clustered.record_key
        else coalesce(own.evidence, follower.evidence, 'leader ' || leader.record_key)
    end as evidence,
    coalesce(own.probability, follower.probability) as probability,
    leader.record_key as leader_key
from clustered
inner join leaders as leader on clustered.root_key = leader.root_key
left join kept on clustered.root_key = kept.root_key
left join step as own on clustered.record_key = own.record_key
-- who everybody follows, but does not lead, is there for the sake of the strongest of its followers
left join (
    select * from step qualify row_number() over (partition by next_key order by pass, record_key) = 1
) as follower on clustered.record_key = follower.next_key
