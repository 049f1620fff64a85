select
    connection,
    case_id,
    number,
    account_id as customer_record_id,
    contact_id,
    case when owner_id like '005%' then owner_id end as assignee_id,  -- a case that nobody took belongs to a queue
    subject,
    case_type_raw as type_raw,
    priority_raw,
    status_raw,
    nullif(order_number, '') as order_number,
    coalesce(has_credit_hold, false) as has_hold_flag,
    coalesce(has_lapsed_cover, false) as has_lapsed_flag,
    cast(null as {{ sql_type('strings') }}) as tags,
    {{ iso_text('system_modstamp', '%Y-%m-%dT%H:%M:%S.%g+0000') }} as version,
    closed_at as solved_at,
    created_at,
    last_modified_at as updated_at
from {{ ref('stg_salesforce_service__cases') }}
where not is_removed
