-- a target record gets one row, and only the customer whose primary record it is decides it
select connection, record_id, count(*) as occurrences
from (
    select connection, record_id from {{ ref('sync_zendesk__organizations') }}
    union all
    select connection, record_id from {{ ref('sync_salesforce__accounts') }}
)
group by connection, record_id
having count(*) > 1
