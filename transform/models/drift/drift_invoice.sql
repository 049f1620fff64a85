with classes as (
    select *, class as finding_class from {{ ref('reconciled_invoice') }}
    where class in ('missing_in_erp', 'missing_in_billing', 'duplicate', 'currency', 'amount', 'tax')

    union all

    select *, 'status' as finding_class from {{ ref('reconciled_invoice') }} where status_class = 'status'
),

known_rates as (
    {{ conformed('exchange_rate') }}
),

rates as (
    select currency, max(rate) as rate from known_rates group by currency
),

priced as (
    select
        classes.*,
        cast(coalesce(rates.rate, 1) as decimal(12, 6)) as base_rate,
        case finding_class
            when 'amount' then greatest(total_difference, net_difference)
            when 'tax' then tax_difference
            when 'status' then greatest(coalesce(billing_open, 0), coalesce(ledger_open, 0))
            else coalesce(billing_total, ledger_total)
        end as exposure
    from classes
    left join rates on coalesce(classes.billing_currency, classes.ledger_currency) = rates.currency
)

select
    'D4' as drift_id, finding_class as class, 'invoice' as entity,
    case when exposure * base_rate > {{ contract()['invoice']['critical_over'] }} then 'critical' else 'error' end as severity,
    case when finding_class in ('missing_in_erp', 'duplicate', 'amount', 'tax', 'currency') then 'erp' else 'billing' end as owner_role,
    customer_id, correlation_id,
    case when finding_class = 'missing_in_billing' then ledger_connection else billing_connection end as left_connection,
    'invoice' as left_entity,
    case when finding_class = 'missing_in_billing' then ledger_invoice_id else billing_invoice_id end as left_id,
    case when finding_class = 'missing_in_billing' then billing_connection else ledger_connection end as right_connection,
    'invoice' as right_entity,
    case when finding_class = 'missing_in_billing' then billing_invoice_id else ledger_invoice_id end as right_id,
    case finding_class when 'amount' then 'total_amount' when 'tax' then 'tax_amount' when 'currency' then 'currency' when 'status' then 'status' else 'invoice_id' end as field,
    case finding_class when 'amount' then {{ number_text('billing_total') }} when 'tax' then {{ number_text('billing_tax') }}
        when 'currency' then billing_currency when 'status' then billing_status else number end as left_value,
    case finding_class when 'amount' then {{ number_text('ledger_total') }} when 'tax' then {{ number_text('ledger_tax') }}
        when 'currency' then ledger_currency when 'status' then ledger_status when 'duplicate' then number end as right_value,
    exposure, coalesce(billing_currency, ledger_currency) as currency, since,
    case finding_class
        when 'missing_in_erp' then 'invoice ' || coalesce(number, billing_invoice_id) || ' is not booked in the ERP'
        when 'missing_in_billing' then 'the ERP books invoice ' || coalesce(number, ledger_invoice_id) || ', which billing does not have'
        when 'duplicate' then 'invoice ' || coalesce(number, billing_invoice_id) || ' is booked more than once'
        else 'invoice ' || coalesce(number, billing_invoice_id) || ' differs in ' || finding_class
    end as detail
from priced
