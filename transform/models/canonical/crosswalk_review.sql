-- candidates of records that no pass could decide: a person adds a line to seeds/crosswalk_overrides.csv
select
    candidate.record_key,
    record.connection,
    record.record_id,
    record.name,
    candidate.customer_id as candidate_customer_id,
    candidate.method,
    candidate.score,
    candidate.evidence
from {{ ref('crosswalk_candidates') }} as candidate
inner join {{ ref('customer_record') }} as record on candidate.record_key = record.record_key
left join {{ ref('crosswalk') }} as link on candidate.record_key = link.record_key
where link.record_key is null
