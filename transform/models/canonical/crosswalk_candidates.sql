with records as (
    select * from {{ ref('customer_record') }}
),

cluster as (
    select * from {{ ref('crosswalk_cluster') }}
),

decisions as (
    select decision.*, coalesce(cluster.customer_id, decision.golden_id) as customer_id
    from {{ ref('crosswalk_decision') }} as decision
    left join cluster on decision.owner_key = cluster.record_key
),

apart as (
    select * from decisions where verdict = 'apart'
),

match as (
    select left_key as record_key, right_key as other_key, match_weight, match_probability, band, evidence
    from {{ ref('customer_match') }}
    where right_key is not null
    union all
    select right_key, left_key, match_weight, match_probability, band, evidence
    from {{ ref('customer_match') }}
    where right_key is not null
),

observers as (
    select * from records where role <> 'erp'
),

by_key as (
    select observer.record_key, decision.customer_id, 'override' as method, 0 as pass, decision.reason as evidence,
        cast(null as {{ sql_type('double') }}) as probability, decision.owner_key as against_key
    from observers as observer
    inner join decisions as decision on observer.record_key = decision.record_key and decision.verdict = 'together'

    union all

    select keys.record_key, cluster.customer_id, keys.method, keys.pass, keys.evidence, null, keys.owner_key
    from {{ ref('crosswalk_keys') }} as keys
    inner join observers as observer on keys.record_key = observer.record_key
    inner join cluster on keys.owner_key = cluster.record_key
    left join apart on keys.record_key = apart.record_key and cluster.customer_id = apart.customer_id
    where keys.method <> 'override' and apart.record_key is null
),

-- the customer of a record as far as the passes up to here decide it: the first pass that names exactly one
{{ decided_by('by_key', 'named') }},

through_crm as (
    select observer.record_key, account_of.customer_id, 'crm_id' as method, 3 as pass, 'crm id ' || observer.crm_link as evidence,
        cast(null as {{ sql_type('double') }}) as probability, account.record_key as against_key
    from observers as observer
    inner join observers as account on observer.role = 'support' and account.role = 'crm' and observer.crm_link = account.record_id
    inner join named as account_of on account.record_key = account_of.record_key
    left join apart on observer.record_key = apart.record_key and account_of.customer_id = apart.customer_id
    where apart.record_key is null
),

by_key_or_crm as (
    select * from by_key
    union all
    select * from through_crm
),

{{ decided_by('by_key_or_crm', 'certain') }},

homes as (
    select record_key, customer_id from cluster
    union all
    select record_key, customer_id from certain
),

-- alike: the customer of the record that resembles it most, if no other customer comes near
{{ alike_to('homes', 7, 'alike') }},

{{ decided_by('alike', 'alike_home') }},

further_homes as (
    select * from homes
    union all
    select * from alike_home
),

-- alike to a record that is itself linked by likeness only
{{ alike_to('further_homes', 8, 'alike_onward') }},

-- two customers of the ERP that look the same and are not linked: a person may merge them
alike_owners as (
    select
        match.record_key,
        there.customer_id,
        'probabilistic' as method,
        9 as pass,
        match.evidence,
        match.match_probability as probability,
        match.other_key as against_key
    from match
    inner join cluster as here on match.record_key = here.record_key
    inner join cluster as there on match.other_key = there.record_key and here.customer_id <> there.customer_id
    inner join records as record on match.record_key = record.record_key and record.tax_key is null
    inner join records as other on match.other_key = other.record_key
    left join apart on match.record_key = apart.record_key and there.customer_id = apart.customer_id
    left join apart as apart_back on match.other_key = apart_back.record_key and here.customer_id = apart_back.customer_id
    where apart.record_key is null and apart_back.record_key is null
        and (other.tax_key is not null or ({{ seniority('other') }}) < ({{ seniority('record') }}))
        and coalesce(record.parent_record_id, '') = coalesce(other.parent_record_id, '')
        and coalesce(record.connection <> other.connection or record.parent_record_id <> other.record_id, true)
        and coalesce(record.connection <> other.connection or other.parent_record_id <> record.record_id, true)
    qualify row_number() over (partition by match.record_key, there.customer_id order by match.match_weight desc, match.other_key) = 1
),

candidates as (
    select * from by_key_or_crm
    union all
    select * from alike
    union all
    select * from alike_onward
    union all
    select * from alike_owners
    union all
    select record_key, customer_id, method, 0 as pass, evidence, probability, leader_key as against_key from cluster
)

select
    record_key,
    customer_id,
    pass,
    method,
    cast(case method
        when 'owner' then 1.0 when 'override' then 1.0 when 'erp_id' then 1.0 when 'erp_external_id' then 1.0 when 'crm_id' then 0.99
        when 'tax_id' then 0.98 when 'domain' then case when pass = 9 then 0.6 else 0.95 end when 'name_address' then 0.9
        when 'probabilistic' then max(probability) else 0.6
    end as decimal(5, 4)) as score,
    min(evidence) as evidence,
    min(against_key) as against_key,
    count(*) over (partition by record_key, pass) as rivals
from candidates
group by record_key, customer_id, pass, method
