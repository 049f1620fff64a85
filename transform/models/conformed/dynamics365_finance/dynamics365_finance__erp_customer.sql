-- an account number that two companies use stands alone in the one that had it first and with the company in the others
with shared_accounts as (
    select record.connection, record.customer_account, record.company_id as first_company_id
    from {{ ref('stg_dynamics365_finance__customers') }} as record
    left join {{ ref('stg_dynamics365_finance__customer_stamps') }} as stamp
        on record.connection = stamp.connection and record.company_id = stamp.company_id
            and record.customer_account = stamp.customer_account
    qualify row_number() over (
        partition by record.connection, record.customer_account order by stamp.created_at nulls last, record.company_id
    ) = 1 and count(*) over (partition by record.connection, record.customer_account) > 1
)

select
    record.connection,
    case when account.first_company_id <> record.company_id then record.company_id || '|' || record.customer_account else nullif(record.customer_account, '') end as record_id,
    record.customer_account as customer_number,
    nullif(record.payment_terms, '') as terms,
    coalesce(record.credit_account_status_id, '') <> 'Inactive' as is_active,
    coalesce({{ decoded('customer', 'hold', "'dynamics365_finance'", 'record.on_hold_status_raw') }} = 'hold', false) as is_on_hold,
    nullif(record.on_hold_status_raw, '') as hold_raw,
    {{ money('record.credit_limit') }} as credit_limit,
    {{ money('null') }} as balance,
    {{ money('null') }} as overdue_amount,
    nullif(record.currency, '') as currency,
    record.company_id,
    stamp.created_at,
    -- where the entity store with the stamps is not there, a customer is as it is since it was first read
    coalesce(stamp.modified_at, {{ known_since('record', 'stg_dynamics365_finance__customers', 'stamp.created_at') }}, record.extracted_at) as updated_at
from {{ ref('stg_dynamics365_finance__customers') }} as record
left join {{ ref('stg_dynamics365_finance__customer_stamps') }} as stamp
    on record.connection = stamp.connection and record.company_id = stamp.company_id
        and record.customer_account = stamp.customer_account and not stamp.is_removed
left join shared_accounts as account
    on record.connection = account.connection and record.customer_account = account.customer_account
where not record.is_removed
