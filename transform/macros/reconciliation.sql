{#- What the reconciliations of orders, credits, returns and shipments share. Pairing rules are in their models, policy in contracts/. -#}

{#- Size of the smallest unit of each currency, whatever the vendor. -#}
{% macro minor_sizes() -%}
    select currency, max(minor_size) as minor_size from {{ ref('currency') }} group by currency
{%- endmacro %}

{#- The difference that a contract allows: the greater of `units` minor units and a share of the amount. -#}
{% macro allowed_difference(amount, size, units, share) -%}
    {{ money('greatest(coalesce(' ~ size ~ ', 0.01) * ' ~ units ~ ', abs(coalesce(' ~ amount ~ ', 0)) * ' ~ share ~ ')') }}
{%- endmacro %}

{#- Two documents of one customer, as far as both know theirs: ids of different accounts may be the same. -#}
{% macro same_customer(left, right) -%}
    ({{ left }}.customer_id = {{ right }}.customer_id or {{ left }}.customer_id is null or {{ right }}.customer_id is null)
{%- endmacro %}

{#- A case that its desk marks with one of these words: as its type or among its tags. -#}
{% macro is_case_marked(words, case_) -%}
    (coalesce(lower({{ case_ }}.type_raw) in ({{ quoted(words.split()) }}), false)
        {%- for word in words.split() %} or {{ has_item(case_ ~ '.tags', "'" ~ word ~ "'") }}{% endfor %})
{%- endmacro %}

{#- The day as a moment: its midnight. -#}
{% macro midnight(day) -%} cast({{ day }} as {{ sql_type('timestamp') }}) {%- endmacro %}

{#- Hash of the domain, the class and both sides: the same exception has the same id in every build. -#}
{% macro exception_id() -%}
    md5(concat_ws('|', domain, class, coalesce(left_connection, ''), coalesce(left_id, ''), coalesce(right_connection, ''), coalesce(right_id, ''),
        exception_key))
{%- endmacro %}

{#- The team that owns the systems of a role, as text. -#}
{% macro team(role) -%} '{{ finding_kinds()['teams'][role] }}' {%- endmacro %}
