{{ config(materialized='view') }}
{%- set policy = contract()['invoice'] -%}
-- a group's disagreement stands on one row: its lead, for a status the first document that contradicts; of a tie, only the owner's document counts
with statuses as (
    select
        *,
        greatest(
            coalesce(case when cardinality = 'n:1' then sum(billing_open) over (partition by coalesce(group_key, pair_key)) else billing_open end, 0),
            coalesce(case when cardinality = '1:n' then sum(ledger_open) over (partition by coalesce(group_key, pair_key)) else ledger_open end, 0)
        ) as open_exposure
    from {{ ref('invoice_difference') }}
    where status_class = 'status'
    qualify row_number() over (partition by coalesce(group_key, pair_key) order by member) = 1
),

classes as (
    select *, cast(null as {{ sql_type('money') }}) as open_exposure, class as found_class
    from {{ ref('invoice_difference') }}
    where class in ('missing_in_erp', 'missing_in_billing', 'duplicate', 'customer_unknown')
        or (class in ('currency', 'amount', 'tax') and member = 1)
        or (class = 'ambiguous' and billing_invoice_id is not null)

    union all

    select *, 'status' as found_class from statuses
),

-- what is booked again costs what that booking says; of a list only the one invoice is too much
concerned as (
    select
        *,
        coalesce(case when found_class = 'duplicate' and method <> 'list of numbers' then ledger_total end, billing_total, ledger_total) as document_total,
        coalesce(case when found_class = 'duplicate' and method <> 'list of numbers' then ledger_currency end, billing_currency, ledger_currency) as exposure_currency
    from classes
),

known_rates as (
    {{ newest_rates() }}
),

-- the ledger's own rate; another ledger's where it has none, but never for its base currency
bases as (
    select distinct connection, base_currency from known_rates
),

rates as (
    select currency, max(rate) as rate from known_rates group by currency
),

priced as (
    select
        concerned.*,
        cast(coalesce(own.rate, case when bases.base_currency is not null then 1 end, rates.rate, 1) as decimal(12, 6)) as base_rate,
        case found_class
            when 'amount' then greatest(total_difference, net_difference)
            when 'tax' then tax_difference
            when 'status' then open_exposure
            else document_total
        end as priced_exposure
    from concerned
    left join known_rates as own on concerned.ledger_connection = own.connection and concerned.exposure_currency = own.currency
    left join bases on concerned.ledger_connection = bases.connection and concerned.exposure_currency = bases.base_currency
    left join rates on concerned.exposure_currency = rates.currency
)

select
    'invoice' as domain,
    pair_key as exception_key,
    found_class as class,
    case
        when found_class in ('ambiguous', 'customer_unknown') then 'warn'
        when priced_exposure * base_rate > {{ policy['critical_over'] }} then 'critical'
        else 'error'
    end as severity,
    case when found_class in ('missing_in_erp', 'duplicate', 'amount', 'tax', 'currency', 'ambiguous') then {{ team('erp') }} else {{ team('billing') }} end as owner_role,
    customer_id,
    correlation_id,
    case when billing_invoice_id is null then ledger_connection else billing_connection end as left_connection,
    coalesce(billing_invoice_id, ledger_invoice_id) as left_id,
    case when billing_invoice_id is null then billing_connection else ledger_connection end as right_connection,
    case when billing_invoice_id is not null then ledger_invoice_id end as right_id,
    case found_class when 'amount' then {{ number_text('billing_amount') }} when 'tax' then {{ number_text('billing_tax') }}
        when 'currency' then billing_currency when 'status' then billing_status else number end as left_value,
    case found_class when 'amount' then {{ number_text('ledger_amount') }} when 'tax' then {{ number_text('ledger_tax') }}
        when 'currency' then ledger_currency when 'status' then ledger_status when 'duplicate' then number end as right_value,
    {{ money('priced_exposure') }} as exposure,
    exposure_currency as currency,
    since,
    case found_class
        when 'missing_in_erp' then 'invoice ' || coalesce(number, billing_invoice_id) || ' is not booked in the ERP'
        when 'missing_in_billing' then 'the ERP books invoice ' || coalesce(number, ledger_invoice_id) || ', which billing does not have'
        when 'duplicate' then 'invoice ' || coalesce(number, billing_invoice_id) || ' is booked more than once'
        when 'customer_unknown' then 'invoice ' || coalesce(number, billing_invoice_id, ledger_invoice_id) || ' is of a customer that the other side does not know'
        when 'ambiguous' then 'invoice ' || coalesce(number, billing_invoice_id) || ' may be booked in more than one way: name it in the ERP'
        else 'invoice ' || coalesce(number, billing_invoice_id) || ' differs in ' || found_class
    end
        || case when reason = 'search bound' then ' (more candidates than are searched)' else '' end
        || case when group_key is not null and found_class <> 'status' then ' (' || cardinality || ', ' || method || ')' else '' end as detail
from priced
