{{ config(materialized='view') }}
-- a group's disagreement stands on one row: its lead, for money unapplied the first payment that has some; of a tie, only the owner's payment counts
with unapplied as (
    select
        pair_key,
        greatest(
            coalesce(case when cardinality = 'n:1' then sum(billing_unapplied) over (partition by coalesce(group_key, pair_key)) else billing_unapplied end, 0),
            coalesce(case when cardinality = '1:n' then sum(ledger_unapplied) over (partition by coalesce(group_key, pair_key)) else ledger_unapplied end, 0)
        ) as amount,
        row_number() over (partition by coalesce(group_key, pair_key) order by member) as number
    from {{ ref('reconciled_payment') }}
    where class = 'unapplied'
),

found as (
    select
        pair.*,
        case
            when class = 'amount' then difference
            when class = 'unapplied' then unapplied.amount
            when class = 'duplicate' or billing_payment_id is null then ledger_total
            else billing_total
        end as priced_exposure
    from {{ ref('reconciled_payment') }} as pair
    left join unapplied on pair.pair_key = unapplied.pair_key
    where class in ('missing_in_erp', 'missing_in_billing', 'duplicate', 'customer_unknown')
        or (class = 'unapplied' and unapplied.number = 1)
        or (class in ('currency', 'amount') and member = 1)
        or (class = 'ambiguous' and billing_payment_id is not null)
)

select
    'payment' as domain,
    pair_key as exception_key,
    class,
    case when class = 'duplicate' then 'critical' when class in ('ambiguous', 'customer_unknown', 'unapplied') then 'warn' else 'error' end as severity,
    case when class in ('missing_in_billing', 'customer_unknown') or (class = 'unapplied' and reason <> 'not applied in the ERP')
        then {{ team('billing') }} else {{ team('erp') }} end as owner_role,
    customer_id,
    correlation_id,
    case when billing_payment_id is null then ledger_connection else billing_connection end as left_connection,
    coalesce(billing_payment_id, ledger_payment_id) as left_id,
    case when billing_payment_id is null then billing_connection else ledger_connection end as right_connection,
    case when billing_payment_id is not null then ledger_payment_id end as right_id,
    case class when 'currency' then billing_currency else {{ number_text('coalesce(billing_amount, ledger_amount)') }} end as left_value,
    case class when 'currency' then ledger_currency when 'amount' then {{ number_text('ledger_amount') }}
        when 'unapplied' then {{ number_text('priced_exposure') }} when 'duplicate' then {{ number_text('ledger_total') }} end as right_value,
    {{ money('priced_exposure') }} as exposure,
    case when class = 'duplicate' then coalesce(ledger_currency, billing_currency) else coalesce(billing_currency, ledger_currency) end as currency,
    since,
    'payment ' || coalesce(billing_payment_id, ledger_payment_id) || case class
        when 'missing_in_erp' then ' is not in the ERP'
        when 'missing_in_billing' then ' is booked in the ERP, billing did not receive it'
        when 'duplicate' then ' is booked more than once'
        when 'unapplied' then ' is not applied in full'
        when 'customer_unknown' then ' is of a customer that the other side does not know'
        when 'ambiguous' then ' may be booked in more than one way: name it in the ERP'
        else ' differs in ' || class
    end || case when reason is null then '' else ' (' || reason || ')' end as detail
from found
