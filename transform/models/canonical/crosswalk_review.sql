-- candidates of records that no pass could decide: a person chooses with `concord identity accept` or `reject`
select
    candidate.record_key,
    record.connection,
    record.record_id,
    record.name,
    candidate.customer_id as candidate_customer_id,
    candidate.method,
    candidate.score,
    case when candidate.method = 'probabilistic' then 'alike by ' || cast(candidate.score as {{ sql_type('string') }}) else candidate.evidence end as evidence,
    {{ agreement('record', 'other', "case when candidate.method = 'probabilistic' then candidate.evidence end") }} as explanation
from {{ ref('crosswalk_candidates') }} as candidate
inner join {{ ref('customer_record') }} as record on candidate.record_key = record.record_key
left join {{ ref('customer_record') }} as other on candidate.against_key = other.record_key
left join {{ ref('crosswalk') }} as link on candidate.record_key = link.record_key
where link.record_key is null or (link.role = 'erp' and candidate.pass = 9)
qualify row_number() over (partition by candidate.record_key, candidate.customer_id, candidate.method order by candidate.pass) = 1
