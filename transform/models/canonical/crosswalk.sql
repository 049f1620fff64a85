with decided as (
    select *
    from {{ ref('crosswalk_candidates') }}
    where rivals = 1 and score >= 0.9
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
        row_number() over (
            partition by link.customer_id, record.connection
            order by
                case when link.customer_id = {{ golden_id('record.connection', 'record.record_id') }} then 0 else 1 end,
                link.pass, record.created_at, length(record.record_id), record.record_id
        ) as place
    from {{ ref('customer_record') }} as record
    inner join decided as link on record.record_key = link.record_key
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
    evidence,
    place = 1 as is_primary
from linked
