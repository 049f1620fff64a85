{#- Golden columns -> how their value is turned into text, and the rule that chose it where it is not simply the owner's. -#}
{%- set fields = {
    'customer_number': ('text', ''), 'name': ('text', ''), 'tax_id': ('text', ''), 'domain': ('text', 'owner: domain of its website, else of its e-mail address'),
    'country': ('text', ''), 'postcode': ('text', ''), 'currency': ('text', ''), 'parent_customer_id': ('text', 'identity: the golden customer of its parent record'),
    'terms': ('text', ''), 'is_active': ('boolean', ''), 'is_on_hold': ('boolean', ''), 'credit_limit': ('number', ''), 'balance': ('number', ''),
    'overdue_amount': ('number', ''), 'overdue_days': ('number', 'derived: age of its oldest open invoice past due'),
    'base_exchange_rate': ('number', 'rate: the newest of the ledger'),
} -%}
with owners as (
    select
        customer.*,
        customer.owner_connection || ':' || customer.owner_record_id as record_key,
        account.balance is null as has_derived_balance,
        account.overdue_amount is null as has_derived_overdue,
        ledger.records as ledger_records
    from {{ ref('customer') }} as customer
    left join (
        select customer_id, count(*) as records from {{ ref('crosswalk') }} where role = 'erp' group by customer_id
    ) as ledger on customer.customer_id = ledger.customer_id
    left join ({{ conformed('erp_customer') }}) as account
        on customer.owner_connection = account.connection and customer.owner_record_id = account.record_id
),

spans as (
    {{ conformed('field_history') }}
),

-- of several parts that hold the field the one that changed last speaks for its age
held as (
    select *, count(*) over (partition by connection, entity, record_id, field) as parts
    from spans
    where is_current and not is_removed
    qualify row_number() over (partition by connection, entity, record_id, field order by valid_from desc, part) = 1
),

read_last as (
    select connection, entity, record_id, max(last_load_id) as load_id
    from spans
    group by connection, entity, record_id
),

customer_values as (
    select
        owners.customer_id,
        owners.owner_connection as connection,
        owners.owner_record_id as record_id,
        owners.record_key,
        named.field,
        case named.field
            {%- for field, (kind, rule) in fields.items() %}
            when '{{ field }}' then
                {%- if kind == 'boolean' %} case when owners.{{ field }} then 'true' else 'false' end
                {%- elif kind == 'number' %} {{ number_text('owners.' ~ field) }}
                {%- else %} owners.{{ field }}{% endif %}
            {%- endfor %}
        end as value,
        case
            when named.field in ('balance', 'overdue_amount') and owners.ledger_records > 1 then 'derived: sum over its records in the ERP'
            when named.field = 'balance' and owners.has_derived_balance then 'derived: sum of its open documents'
            when named.field = 'overdue_amount' and owners.has_derived_overdue then 'derived: sum of its open documents past due'
            {%- for field, (kind, rule) in fields.items() if rule %}
            when named.field = '{{ field }}' then '{{ rule }}'
            {%- endfor %}
        end as rule
    from owners
    cross join ({% for field in fields %}select '{{ field }}' as field{{ ' union all ' if not loop.last }}{% endfor %}) as named
),

covers as (
    select *, subscription_connection || ':' || subscription_id as record_key
    from {{ ref('entitlement') }}
),

cover_values as (
    select
        covers.customer_id,
        covers.subscription_connection as connection,
        covers.subscription_id as record_id,
        covers.record_key,
        named.field,
        case named.field
            when 'is_covered' then case when covers.is_covered then 'true' else 'false' end
            when 'tier' then covers.tier
            when 'start_date' then cast(covers.start_date as {{ sql_type('string') }})
            when 'end_date' then cast(covers.end_date as {{ sql_type('string') }})
        end as value,
        case when covers.is_covered then 'owner: the active subscription of the highest tier' else 'owner: the subscription that ended last' end as rule
    from covers
    cross join (select 'is_covered' as field union all select 'tier' as field union all select 'start_date' as field union all select 'end_date' as field) as named
)

select
    taken.customer_id,
    'customer' as entity,
    taken.field,
    taken.value,
    taken.connection,
    taken.record_key,
    coalesce(held.load_id, read_last.load_id) as load_id,
    coalesce(taken.rule, case when held.parts > 1 then 'owner: the ERP record, all its parts together' else 'owner: the ERP record' end) as rule,
    held.changed_by,
    held.valid_from as changed_at
from customer_values as taken
left join held on taken.connection = held.connection and held.entity = 'customer' and taken.record_id = held.record_id and taken.field = held.field
left join read_last on taken.connection = read_last.connection and read_last.entity = 'customer' and taken.record_id = read_last.record_id

union all

select
    taken.customer_id,
    'entitlement' as entity,
    taken.field,
    taken.value,
    taken.connection,
    taken.record_key,
    coalesce(held.load_id, read_last.load_id) as load_id,
    taken.rule,
    held.changed_by,
    held.valid_from as changed_at
from cover_values as taken
left join held
    on taken.connection = held.connection and held.entity = 'subscription' and taken.record_id = held.record_id
        and held.field = case when taken.field = 'is_covered' then 'status' end
left join read_last on taken.connection = read_last.connection and read_last.entity = 'subscription' and taken.record_id = read_last.record_id
