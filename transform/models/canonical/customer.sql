with owner_link as (
    select * from {{ ref('crosswalk') }} where role = 'erp' and is_primary
    -- several ERPs may know a merged customer: the record whose own golden id it is decides
    qualify row_number() over (
        partition by customer_id order by case when customer_id = {{ golden_id('connection', 'record_id') }} then 0 else 1 end, connection
    ) = 1
),

accounts as (
    {{ conformed('erp_customer') }}
),

rates as (
    {{ newest_rates() }}
),

open_documents as (
    select
        invoice.connection,
        invoice.customer_record_id,
        sum(invoice.open_amount) as open_amount,
        sum(case when invoice.due_date < cast({{ as_of() }} as date) then invoice.open_amount else 0 end) as overdue_amount,
        min(case when invoice.due_date < cast({{ as_of() }} as date) then invoice.due_date end) as oldest_due_date
    from {{ ref('invoice') }} as invoice
    where invoice.role = 'erp' and invoice.open_amount > 0 and coalesce(invoice.status, '') <> 'void'
    group by invoice.connection, invoice.customer_record_id
)

select
    link.customer_id,
    link.connection as owner_connection,
    link.record_id as owner_record_id,
    account.customer_number,
    identity.name,
    identity.tax_id,
    identity.domain,
    identity.country,
    identity.postcode,
    coalesce(account.currency, identity.currency) as currency,
    parent.customer_id as parent_customer_id,
    account.terms,
    account.is_active,
    account.is_on_hold,
    account.credit_limit,
    {{ money('coalesce(account.balance, due.open_amount, 0)') }} as balance,
    {{ money('coalesce(account.overdue_amount, due.overdue_amount, 0)') }} as overdue_amount,
    cast(coalesce({{ days_between('cast(' ~ as_of() ~ ' as date)', 'due.oldest_due_date') }}, 0) as bigint) as overdue_days,
    rates.rate as base_exchange_rate,
    account.created_at,
    account.updated_at
from owner_link as link
inner join accounts as account on link.connection = account.connection and link.record_id = account.record_id
inner join {{ ref('customer_record') }} as identity on link.record_key = identity.record_key
left join rates on account.connection = rates.connection and coalesce(account.currency, identity.currency) = rates.currency
left join {{ ref('crosswalk') }} as parent on identity.connection = parent.connection and identity.parent_record_id = parent.record_id
left join open_documents as due on link.connection = due.connection and link.record_id = due.customer_record_id
