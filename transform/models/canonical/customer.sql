with owner_link as (
    select * from {{ ref('crosswalk') }} where role = 'erp' and is_primary
    -- several ERPs may know a merged customer: the record whose own golden id it is decides
    qualify row_number() over (
        partition by customer_id order by case when customer_id = {{ golden_id('connection', 'record_id') }} then 0 else 1 end, connection
    ) = 1
),

invoices_past_due as (
    select connection, customer_id, min(due_date) as oldest_due_date
    from {{ ref('stg_netsuite__transactions') }}
    where transaction_type = 'CustInvc' and unpaid_amount > 0 and not coalesce(is_voided, false) and not is_removed
        and due_date < cast({{ as_of() }} as date)
    group by connection, customer_id
)

select
    link.customer_id,
    link.connection as owner_connection,
    link.record_id as owner_record_id,
    record.customer_number,
    record.name,
    record.tax_id,
    identity.domain,
    identity.country,
    identity.postcode,
    currency.currency,
    parent.customer_id as parent_customer_id,
    record.terms_id,
    not coalesce(record.is_inactive, false) as is_active,
    coalesce(record.is_on_hold, false) as is_on_hold,
    {{ money('record.credit_limit') }} as credit_limit,
    {{ money('record.balance') }} as balance,
    {{ money('record.overdue_amount') }} as overdue_amount,
    cast(coalesce({{ days_between('cast(' ~ as_of() ~ ' as date)', 'due.oldest_due_date') }}, 0) as bigint) as overdue_days,
    currency.exchange_rate as base_exchange_rate,
    record.created_at,
    record.version_at as updated_at
from owner_link as link
inner join {{ ref('stg_netsuite__customers') }} as record on link.connection = record.connection and link.record_id = record.customer_id
inner join {{ ref('customer_record') }} as identity on link.record_key = identity.record_key
left join {{ ref('stg_netsuite__currencies') }} as currency
    on record.connection = currency.connection and record.currency_id = currency.currency_id
left join {{ ref('crosswalk') }} as parent on record.connection = parent.connection and record.parent_customer_id = parent.record_id
left join invoices_past_due as due on record.connection = due.connection and record.customer_id = due.customer_id
