with accounts as (
    select *
    from {{ ref('account_state') }}
    where is_primary and not is_changed_by_integration and changed_by is not null and role = 'crm'
),

compared as (
    {%- for field, copy in contract()['customer']['guarded'].items() %}
    select
        '{{ field }}' as field, customer.customer_id, customer.owner_connection, customer.owner_record_id,
        account.connection, account.record_id, account.changed_by, account.changed_at,
        customer.{{ field }} as owner_value, account.{{ copy }} as observed_value, customer.currency
    from accounts as account
    inner join {{ ref('customer') }} as customer on account.customer_id = customer.customer_id
    where account.changed_at > customer.updated_at and customer.{{ field }} is not null and account.{{ copy }} is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    'D11' as drift_id, 'overwritten_by_person' as class, 'customer' as entity, 'error' as severity, 'erp' as owner_role, customer_id,
    'customer:' || customer_id as correlation_id,
    owner_connection as left_connection, 'customer' as left_entity, owner_record_id as left_id,
    connection as right_connection, 'account' as right_entity, record_id as right_id,
    field, {{ number_text('owner_value') }} as left_value, {{ number_text('observed_value') }} as right_value,
    abs(owner_value - observed_value) as exposure, currency, changed_at as since,
    'user ' || changed_by || ' changed a field that the ERP owns' as detail
from compared
where owner_value <> observed_value
