{{ config(materialized='view') }}
select
    'credit' as domain,
    pair_key as exception_key,
    class,
    case when class in ('duplicate', 'case_closed_early') then 'critical' when class = 'partial' then 'warn' else 'error' end as severity,
    case
        when class = 'case_closed_early' then {{ team('support') }} || '+' || {{ team('erp') }}
        when kind = 'approval' or class = 'missing_in_billing' then {{ team('billing') }}
        else {{ team('erp') }}
    end as owner_role,
    customer_id,
    correlation_id,
    case when kind = 'approval' then case_connection when billing_document_id is null then ledger_connection else billing_connection end as left_connection,
    case when kind = 'approval' then case_id when billing_document_id is null then ledger_document_id else billing_document_id end as left_id,
    case when billing_document_id is null and kind <> 'approval' then billing_connection else ledger_connection end as right_connection,
    case when billing_document_id is null then null else ledger_document_id end as right_id,
    case when class = 'currency' then billing_currency when kind <> 'approval' then {{ number_text('coalesce(billing_amount, ledger_amount)') }} end as left_value,
    case when class = 'currency' then ledger_currency when class in ('amount', 'partial', 'duplicate') then {{ number_text('booked_amount') }} end as right_value,
    {{ money("case when class in ('amount', 'partial') then abs(difference) when class = 'duplicate' then excess when class = 'missing_in_billing' then ledger_amount"
        " else coalesce(billing_amount, ledger_amount) end") }} as exposure,
    case when class = 'missing_in_billing' then ledger_currency else coalesce(billing_currency, ledger_currency) end as currency,
    since,
    case kind when 'approval' then 'case ' || case_id else replace(kind, '_', ' ') || ' ' || coalesce(billing_document_id, ledger_document_id) end || ': ' || reason as detail
from {{ ref('reconciled_credit') }}
where class in ('unposted', 'case_closed_early', 'missing_in_billing', 'duplicate', 'currency', 'amount') or (class = 'partial' and place = 1)
