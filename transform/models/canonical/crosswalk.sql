with decided as (
    select *
    from {{ ref('crosswalk_candidates') }}
    where rivals = 1 and pass < 9
    qualify row_number() over (partition by record_key order by pass, customer_id) = 1
),

linked as (
    select
        record.record_key,
        record.connection,
        record.record_id,
        record.system,
        record.role,
        link.customer_id,
        link.method,
        link.score,
        link.evidence,
        {{ agreement('record', 'other', "case when link.method = 'probabilistic' then link.evidence end") }} as explanation,
        row_number() over (
            partition by link.customer_id, record.connection
            order by
                case when link.customer_id = {{ golden_id('record.connection', 'record.record_id') }} then 0 else 1 end,
                link.pass, record.created_at, length(record.record_id), record.record_id
        ) as place
    from {{ ref('customer_record') }} as record
    inner join decided as link on record.record_key = link.record_key
    left join {{ ref('customer_record') }} as other on link.against_key = other.record_key
)

select
    record_key,
    customer_id,
    connection,
    record_id,
    system,
    role,
    method,
    score,
    case when method = 'probabilistic' then 'alike by ' || cast(score as {{ sql_type('string') }}) else evidence end as evidence,
    explanation,
    place = 1 as is_primary
from linked
