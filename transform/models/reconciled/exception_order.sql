{{ config(materialized='view') }}
select
    'order' as domain,
    pair_key as exception_key,
    class,
    case when class in ('missing_in_erp', 'duplicate') or (class = 'early' and order_status = 'pending_approval') then 'critical'
        when class in ('cancelled', 'unbilled') then 'warn' else 'error' end as severity,
    case
        when class in ('missing_in_crm', 'early', 'cancelled') and not (class = 'early' and coalesce(order_status, '') = 'pending_approval') then {{ team('crm') }}
        when class in ('amount', 'currency') then {{ team('erp') }} || '+' || {{ team('crm') }}
        when class = 'unbilled' then {{ team('billing') }}
        else {{ team('erp') }}
    end as owner_role,
    customer_id,
    correlation_id,
    deal_connection as left_connection,
    deal_id as left_id,
    order_connection as right_connection,
    order_id as right_id,
    coalesce(case class when 'amount' then {{ number_text('deal_amount') }} when 'currency' then deal_currency else deal_stage end, '') as left_value,
    coalesce(case class when 'amount' then {{ number_text('order_net_amount') }} when 'currency' then currency else order_status end, '') as right_value,
    {{ money("case class when 'amount' then difference else coalesce(order_total_amount, deal_amount) end") }} as exposure,
    currency,
    since,
    coalesce('order ' || coalesce(order_number, order_id) || ': ', 'deal ' || deal_id || ': ')
        || coalesce(reason, case class when 'amount' then 'the deal and the order differ by ' || {{ number_text('difference') }}
            when 'currency' then 'the deal and the order are in different currencies' else 'a second order of the same deal' end) as detail
from {{ ref('reconciled_order') }}
where class in ('missing_in_erp', 'missing_in_crm', 'early', 'duplicate', 'currency', 'amount', 'blocked', 'unbilled', 'cancelled')
