with observed as (
    select connection, account_id as record_id, credit_status_raw, last_modified_at as observed_at,
        {{ value_of('customer', 'credit_status', 'salesforce', 'credit_status_raw') }} as credit_status
    from {{ ref('stg_salesforce__accounts') }}
    where not is_removed

    union all

    select connection, organization_id as record_id, credit_status_raw, updated_at as observed_at,
        {{ value_of('customer', 'credit_status', 'zendesk', 'credit_status_raw') }} as credit_status
    from {{ ref('stg_zendesk__organizations') }}
    where not is_removed
)

select
    customer.customer_id,
    customer.owner_connection,
    customer.owner_record_id,
    link.connection as observer_connection,
    link.role as observer_role,
    link.record_id as observer_record_id,
    case when customer.is_on_hold then 'hold' else 'ok' end as owner_status,
    observed.credit_status as observed_status,
    observed.credit_status_raw as observed_status_raw,
    case
        when observed.credit_status is null and nullif(observed.credit_status_raw, '') is not null then 'unmapped'
        when customer.is_on_hold and coalesce(observed.credit_status, 'ok') = 'ok' then 'not_propagated'
        when not customer.is_on_hold and observed.credit_status = 'hold' then 'not_released'
        else 'matched'
    end as class,
    coalesce(nullif(customer.overdue_amount, 0), customer.balance) as exposure,
    customer.currency,
    customer.updated_at as since,
    observed.observed_at
from {{ ref('customer') }} as customer
inner join {{ ref('crosswalk') }} as link on customer.customer_id = link.customer_id and link.is_primary and link.role in ('crm', 'support')
inner join observed on link.connection = observed.connection and link.record_id = observed.record_id
