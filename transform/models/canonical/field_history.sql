with spans as (
    {{ conformed('field_history') }}
),

-- whose record it is now
owned as (
    select connection, 'customer' as entity, record_id, customer_id from {{ ref('crosswalk') }}
    union all
    select connection, 'entitlement' as entity, record_id, customer_id from {{ ref('crosswalk') }}
    {%- for entity, (model, id) in {'invoice': ('invoice', 'invoice_id'), 'order': ('sales_order', 'order_id'), 'subscription': ('subscription', 'subscription_id'),
        'contract': ('contract', 'contract_id'), 'case': ('support_case', 'case_id'), 'entitlement_record': ('entitlement_record', 'entitlement_id'),
        'payment': ('payment', 'payment_id'), 'credit_note': ('credit_note', 'credit_note_id'), 'dispute': ('dispute', 'dispute_id'),
        'shipment': ('shipment', 'shipment_id')}.items() %}
    union all
    select connection, '{{ entity }}' as entity, {{ id }} as record_id, customer_id from {{ ref(model) }}
    {%- endfor %}
),

-- what the ids are called now that some systems tell instead of a value
named as (
    {%- for system, told in history_names().items() if system in var('connections', {}) %}{% for each in told %}
    select connection, '{{ each['entity'] }}' as entity, '{{ each['field'] }}' as field, {{ each['id'] }} as value_raw, {{ each['name'] }} as value
    from {{ ref(each['model']) }}
    union all
    {%- endfor %}{% endfor %}
    select
        cast(null as {{ sql_type('string') }}) as connection,
        cast(null as {{ sql_type('string') }}) as entity,
        cast(null as {{ sql_type('string') }}) as field,
        cast(null as {{ sql_type('string') }}) as value_raw,
        cast(null as {{ sql_type('string') }}) as value
    where 1 = 0
),

decodable as (
    select entity, field from {{ ref('value_map') }} group by entity, field
)

select
    spans.entity,
    spans.connection,
    spans.system,
    {{ role_of_connection('spans.connection') }} as role,
    spans.record_id,
    spans.part,
    owned.customer_id,
    spans.field,
    case
        when decodable.field is not null then code.value
        {%- for system, told in history_names().items() if system in var('connections', {}) %}{% for each in told %}
        when spans.system = '{{ system }}' and spans.entity = '{{ each['entity'] }}' and spans.field = '{{ each['field'] }}' then named.value
        {%- endfor %}{% endfor %}
        else spans.value_raw
    end as value,
    spans.value_raw,
    spans.is_removed,
    spans.changed_by,
    spans.valid_from,
    spans.valid_to,
    spans.is_current,
    spans.is_first_known,
    spans.extracted_at,
    spans.load_id,
    spans.last_load_id
from spans
left join decodable on spans.entity = decodable.entity and spans.field = decodable.field
left join {{ ref('value_map') }} as code
    on spans.entity = code.entity and spans.field = code.field and spans.system = code.system and spans.value_raw = code.raw_value
left join named
    on spans.connection = named.connection and spans.entity = named.entity and spans.field = named.field and spans.value_raw = named.value_raw
left join owned on spans.connection = owned.connection and spans.entity = owned.entity and spans.record_id = owned.record_id
