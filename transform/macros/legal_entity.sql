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

{% macro told_of_connection(connection, told) -%}
    {%- if told %}case {{ connection }}
        {%- for name, value in told | dictsort %} when '{{ name }}' then '{{ value | replace("'", "''") }}'{% endfor %} end
    {%- else %}cast(null as {{ sql_type('string') }}){% endif %}
{%- endmacro %}
