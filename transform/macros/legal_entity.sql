{#- Which legal entity and which region a document belongs to. What connections.yml says comes with the variables `regions` and `legal_entities`. -#}

{#- The region that a connection serves; null where connections.yml names none. -#}
{% macro region_of_connection(connection) -%}
    {{ told_of_connection(connection, var('regions', {})) }}
{%- endmacro %}

{#- The legal entity that a connection keeps books for, where it is the only one. -#}
{% macro legal_entity_of_connection(connection) -%}
    {{ told_of_connection(connection, var('legal_entities', {})) }}
{%- endmacro %}

{#- The legal entity that the document itself names, else the only one that its connection keeps books for, else null. -#}
{% macro legal_entity_of(company_id, connection) -%}
    coalesce({{ company_id }}, {{ legal_entity_of_connection(connection) }})
{%- endmacro %}

{#- Of the exceptions in `found` those whose documents name a legal entity: exception_id, company_id. Where two name different ones, the lesser. -#}
{% macro named_companies(found) -%}
    {%- set documents = {
        'invoice': [('invoice', 'invoice_key')], 'payment': [('payment', 'payment_key')], 'order': [('sales_order', 'order_key')],
        'credit': [('credit_note', 'credit_note_key'), ('refund', 'refund_key')], 'return': [('return_order', 'return_key')],
        'shipment': [('sales_order', 'order_key')]} -%}
    select subject.exception_id, min(document.company_id) as company_id
    from (
        select exception_id, domain, left_connection || ':' || left_id as document_key from {{ found }}
        union all
        select exception_id, domain, right_connection || ':' || right_id as document_key from {{ found }}
    ) as subject
    inner join (
        {%- for domain, tables in documents.items() %}{% set outer = loop %}{% for table, key in tables %}
        select '{{ domain }}' as domain, {{ key }} as document_key, company_id from {{ ref(table) }}
        {{ 'union all' if not (loop.last and outer.last) }}
        {%- endfor %}{% endfor %}
    ) as document on subject.domain = document.domain and subject.document_key = document.document_key
    group by subject.exception_id
{%- endmacro %}

{% macro told_of_connection(connection, told) -%}
    {%- if told %}case {{ connection }}
        {%- for name, value in told | dictsort %} when '{{ name }}' then '{{ value | replace("'", "''") }}'{% endfor %} end
    {%- else %}cast(null as {{ sql_type('string') }}){% endif %}
{%- endmacro %}
