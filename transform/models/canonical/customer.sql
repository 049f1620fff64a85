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

ledger_records as (
    select
        link.customer_id,
        link.connection,
        link.record_id,
        coalesce(account.currency, identity.currency) as currency,
        account.balance,
        account.overdue_amount
    from {{ ref('crosswalk') }} as link
    inner join accounts as account on link.connection = account.connection and link.record_id = account.record_id
    inner join {{ ref('customer_record') }} as identity on link.record_key = identity.record_key
    where link.role = 'erp'
),

open_documents as (
    select
        invoice.connection,
        invoice.customer_record_id,
        invoice.currency,
        sum(invoice.open_amount) as open_amount,
        sum(case when invoice.due_date < cast({{ as_of() }} as date) then invoice.open_amount else 0 end) as overdue_amount,
        min(case when invoice.due_date < cast({{ as_of() }} as date) then invoice.due_date end) as oldest_due_date
    from {{ ref('invoice') }} as invoice
    where invoice.role = 'erp' and invoice.open_amount > 0 and coalesce(invoice.status, '') <> 'void'
    group by invoice.connection, invoice.customer_record_id, invoice.currency
),

-- what each of the customer's records in the ERP is said to owe, else its open documents: a company that was entered twice owes both
owed_parts as (
    select customer_id, currency, balance, overdue_amount, cast(null as date) as oldest_due_date
    from ledger_records

    union all

    select
        record.customer_id,
        coalesce(document.currency, record.currency) as currency,
        case when record.balance is null then document.open_amount end as balance,
        case when record.overdue_amount is null then document.overdue_amount end as overdue_amount,
        document.oldest_due_date
    from ledger_records as record
    inner join open_documents as document on record.connection = document.connection and record.record_id = document.customer_record_id
),

owed_sums as (
    select customer_id, currency, sum(balance) as balance, sum(overdue_amount) as overdue_amount, min(oldest_due_date) as oldest_due_date
    from owed_parts
    group by customer_id, currency
),

today as (
    select currency, rate from {{ ref('reporting_rate') }} where rate_date = cast({{ as_of() }} as date)
    union all
    select currency, cast(1 as decimal(18, 12)) as rate from {{ ref('reporting_currency') }}
),

exchanged as (
    select
        owed.*,
        case when owed.currency is null or wanted.currency is null or owed.currency = wanted.currency then 1
            else cast(foreign_rate.rate / nullif(own_rate.rate, 0) as decimal(18, 12)) end as rate,
        coalesce(unit.minor_units, 2) as minor_units
    from owed_sums as owed
    inner join owner_link on owed.customer_id = owner_link.customer_id
    left join ledger_records as wanted on owner_link.connection = wanted.connection and owner_link.record_id = wanted.record_id
    left join today as foreign_rate on owed.currency = foreign_rate.currency
    left join today as own_rate on wanted.currency = own_rate.currency
    left join ({{ minor_units() }}) as unit on wanted.currency = unit.currency
),

owed as (
    select
        customer_id,
        {%- for column in ('balance', 'overdue_amount') %}
        -- an amount that no rate turns into the customer's currency leaves the sum unknown: a wrong one would be believed
        case when count({{ column }}) = count(case when rate is not null or {{ column }} = 0 then {{ column }} end) then
            sum(case when rate = 1 or {{ column }} = 0 then {{ money(column) }}
                when abs({{ column }}) < 100000000000000 then
                    {{ rounded_to_coin('cast(' ~ column ~ ' as decimal(20, 6)) * rate', 'minor_units') }}
            end)
        end as {{ column }},
        count({{ column }}) as {{ column }}_parts,
        {%- endfor %}
        min(oldest_due_date) as oldest_due_date
    from exchanged
    group by customer_id
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
    {{ money('case when owed.balance_parts > 0 then owed.balance else 0 end') }} as balance,
    {{ money('case when owed.overdue_amount_parts > 0 then owed.overdue_amount else 0 end') }} as overdue_amount,
    cast(coalesce({{ days_between('cast(' ~ as_of() ~ ' as date)', 'owed.oldest_due_date') }}, 0) as bigint) as overdue_days,
    rates.rate as base_exchange_rate,
    account.created_at,
    account.updated_at
from owner_link as link
inner join accounts as account on link.connection = account.connection and link.record_id = account.record_id
inner join {{ ref('customer_record') }} as identity on link.record_key = identity.record_key
left join rates on account.connection = rates.connection and coalesce(account.currency, identity.currency) = rates.currency
left join {{ ref('crosswalk') }} as parent on identity.connection = parent.connection and identity.parent_record_id = parent.record_id
left join owed on link.customer_id = owed.customer_id
