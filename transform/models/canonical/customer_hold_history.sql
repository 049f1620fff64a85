with parts as (
    select customer.customer_id, history.value_raw = 'true' and not history.is_removed as is_true, history.valid_from, history.valid_to
    from {{ ref('customer') }} as customer
    inner join ({{ conformed('erp_customer') }}) as account
        on customer.owner_connection = account.connection and customer.owner_record_id = account.record_id
    inner join ({{ conformed('field_history') }}) as history
        on account.connection = history.connection and account.record_id = history.record_id
    where history.entity = 'customer' and history.field = 'is_on_hold'
        -- where a legal entity keeps the account, what another one says of the same number is not its own
        and (history.part = '' or account.company_id is null or history.part = account.company_id)
)

select customer_id, is_true as is_on_hold, valid_from, valid_to
from ({{ any_part_true('parts', ['customer_id']) }}) as spans
