with parts as (
    select
        history.customer_id,
        coalesce(history.value in ({{ quoted(contract()['subscription']['active_statuses']) }}), false) as is_true,
        history.valid_from,
        history.valid_to
    from {{ ref('field_history') }} as history
    -- as `entitlement` has it: a subscription to what is no support covers nobody
    inner join {{ ref('subscription') }} as agreement
        on history.connection = agreement.connection and history.record_id = agreement.subscription_id and agreement.tier is not null
    where history.entity = 'subscription' and history.field = 'status' and history.customer_id is not null
)

select customer_id, is_true as is_covered, valid_from, valid_to
from ({{ any_part_true('parts', ['customer_id']) }}) as spans
