with parts as (
    select
        customer_id,
        coalesce(value in ({{ quoted(contract()['subscription']['active_statuses']) }}), false) as is_true,
        valid_from,
        valid_to
    from {{ ref('field_history') }}
    where entity = 'subscription' and field = 'status' and customer_id is not null
)

select customer_id, is_true as is_covered, valid_from, valid_to
from ({{ any_part_true('parts', ['customer_id']) }}) as spans
