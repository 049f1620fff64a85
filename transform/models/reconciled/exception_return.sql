{{ config(materialized='view') }}
select
    'return' as domain,
    pair_key as exception_key,
    class,
    case when class in ('unreceived', 'unrefunded') then 'critical' when class = 'open' then 'warn' else 'error' end as severity,
    case when class in ('open', 'unreceived') then {{ team('support') }} || '+' || {{ team('erp') }}
        when class = 'unrefunded' then {{ team('billing') }} else {{ team('erp') }} end as owner_role,
    customer_id,
    correlation_id,
    case when return_id is null then case_connection else return_connection end as left_connection,
    case when return_id is null then case_id else return_id end as left_id,
    case when return_id is null then return_connection else credit_connection end as right_connection,
    credit_id as right_id,
    coalesce(return_status, 'approved') as left_value,
    case when credited_amount is not null then {{ number_text('credited_amount') }} end as right_value,
    case class when 'unreceived' then credited_amount else return_amount end as exposure,
    currency,
    since,
    coalesce('return ' || coalesce(return_number, return_id), 'case ' || case_id) || ': ' || reason as detail
from {{ ref('reconciled_return') }}
where class in ('open', 'unreceived', 'unrefunded', 'received_not_credited', 'missing_in_erp')
