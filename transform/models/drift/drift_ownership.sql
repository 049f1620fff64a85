with integration_users as (
    select connection, user_id from {{ ref('stg_salesforce__users') }}
    where username in ({{ quoted(var('integration_usernames')) }})
        {%- for name in var('integration_usernames') %} or username like '{{ name }}.%'{% endfor %}
),

accounts as (
    select account.*, link.customer_id
    from {{ ref('stg_salesforce__accounts') }} as account
    inner join {{ ref('crosswalk') }} as link
        on account.connection = link.connection and account.account_id = link.record_id and link.is_primary
    left join integration_users as technical
        on account.connection = technical.connection and account.last_modified_by_id = technical.user_id
    where not account.is_removed and technical.user_id is null and account.last_modified_by_id is not null
),

compared as (
    {%- for field, copy in contract()['customer']['guarded'].items() %}
    select
        '{{ field }}' as field, customer.customer_id, customer.owner_connection, customer.owner_record_id,
        account.connection, account.account_id, account.last_modified_by_id, account.last_modified_at,
        customer.{{ field }} as owner_value, {{ money('account.' ~ copy) }} as observed_value, customer.currency
    from accounts as account
    inner join {{ ref('customer') }} as customer on account.customer_id = customer.customer_id
    where account.last_modified_at > customer.updated_at and customer.{{ field }} is not null and account.{{ copy }} is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    'D11' as drift_id, 'overwritten_by_person' as class, 'customer' as entity, 'error' as severity, 'erp' as owner_role, customer_id,
    'customer:' || customer_id as correlation_id,
    owner_connection as left_connection, 'customer' as left_entity, owner_record_id as left_id,
    connection as right_connection, 'account' as right_entity, account_id as right_id,
    field, {{ number_text('owner_value') }} as left_value, {{ number_text('observed_value') }} as right_value,
    abs(owner_value - observed_value) as exposure, currency, last_modified_at as since,
    'user ' || last_modified_by_id || ' changed a field that the ERP owns' as detail
from compared
where owner_value <> observed_value
