-- changes of the hold that were seen to happen: what was so at the first look says nothing of when it came
with changes as (
    select connection, record_id, field, valid_from
    from {{ ref('field_history') }}
    where entity = 'customer' and field in ('is_on_hold', 'credit_status') and is_current and not is_removed and not is_first_known
)

select
    customer.customer_id,
    customer.owner_connection,
    customer.owner_record_id,
    observed.connection as observer_connection,
    observed.role as observer_role,
    observed.record_id as observer_record_id,
    case when customer.is_on_hold then 'hold' else 'ok' end as owner_status,
    observed.credit_status as observed_status,
    observed.credit_status_raw as observed_status_raw,
    case
        when observed.credit_status is null and observed.credit_status_raw is not null then 'unmapped'
        -- a person saved the record after the owner's change, and it still says otherwise; some vendors do not tell who
        when customer.is_on_hold <> coalesce(observed.credit_status = 'hold', false)
            and observed.changed_by is not null and not observed.is_changed_by_integration and observed.changed_at > customer.updated_at
            then 'contradicted'
        when customer.is_on_hold and coalesce(observed.credit_status, 'ok') = 'ok' then 'not_propagated'
        when not customer.is_on_hold and observed.credit_status = 'hold' then 'not_released'
        when {{ age_seconds('shown.valid_from', 'held.valid_from') }} > {{ contract()['customer']['hold_grace_seconds'] }} then 'late'
        else 'matched'
    end as class,
    {{ is_older('customer.updated_at', contract()['customer']['hold_grace_seconds']) }} as is_past_grace,
    observed.changed_by as observed_changed_by,
    -- how long the newest change took, where both sides were seen to change
    case when shown.valid_from >= held.valid_from then {{ age_seconds('shown.valid_from', 'held.valid_from') }} end as arrival_seconds,
    coalesce(nullif(customer.overdue_amount, 0), customer.balance) as exposure,
    customer.currency,
    customer.updated_at as since,
    observed.changed_at as observed_at
from {{ ref('customer') }} as customer
inner join {{ ref('account_state') }} as observed on customer.customer_id = observed.customer_id and observed.is_primary
left join changes as held
    on customer.owner_connection = held.connection and customer.owner_record_id = held.record_id and held.field = 'is_on_hold'
left join changes as shown
    on observed.connection = shown.connection and observed.record_id = shown.record_id and shown.field = 'credit_status'
