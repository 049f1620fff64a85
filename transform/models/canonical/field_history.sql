{%- set ids = [] -%}
{%- for system, told in history_names().items() if system in var('connections', {}) %}{% for each in told %}{% do ids.append(dict(each, system=system)) %}{% endfor %}{% endfor -%}
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
    {%- for each in ids %}
    select connection, '{{ each['entity'] }}' as entity, '{{ each['field'] }}' as field, {{ each['id'] }} as value_raw, {{ each['name'] }} as value
    from {{ ref(each['model']) }}
    union all
    {%- endfor %}
    {{ no_rows({'connection': 'string', 'entity': 'string', 'field': 'string', 'value_raw': 'string', 'value': 'string'}) }}
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
        {%- for each in ids %}
        when spans.system = '{{ each['system'] }}' and spans.entity = '{{ each['entity'] }}' and spans.field = '{{ each['field'] }}' then named.value
        {%- endfor %}
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
