{{ config(materialized='view') }}
select
    'credit_status' as domain,
    owner_connection || ':' || owner_record_id || ' / ' || observer_connection || ':' || observer_record_id as exception_key,
    class,
    case when owner_status = 'hold' then 'critical' else 'error' end as severity,
    {{ team_of_role('observer_role') }} || '+' || {{ team('erp') }} as owner_role,
    customer_id,
    'customer:' || customer_id as correlation_id,
    owner_connection as left_connection,
    owner_record_id as left_id,
    observer_connection as right_connection,
    observer_record_id as right_id,
    owner_status as left_value,
    coalesce(observed_status, observed_status_raw) as right_value,
    {{ money('exposure') }} as exposure,
    currency,
    since,
    'the ERP says ' || owner_status || ', ' || observer_connection || ' shows ' || coalesce(observed_status, 'nothing')
        || case class when 'contradicted' then ' since ' || coalesce(observed_changed_by, 'a person') || ' saved it' else '' end as detail
from {{ ref('reconciled_credit_status') }}
where class in ('not_propagated', 'not_released', 'contradicted') and is_past_grace
