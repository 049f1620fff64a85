{#- What documents of NetSuite share. -#}

{#-
  What the lines of a transaction tell of the whole of it: the transaction that it was made from and its subsidiary. `types`: the types of
  transaction that are asked about. The lines of all others are left out before they are grouped: most lines are those of invoices, and
  to group them for the payments' sake cost more than the payments. Without types every line is grouped: for invoices a join would leave out little.
-#}
{% macro netsuite_heads(types=[]) -%}
    select line.connection, line.transaction_id, min(line.created_from_id) as source_id, min(line.subsidiary_id) as subsidiary_id
    from {{ ref('stg_netsuite__transaction_lines') }} as line
    {%- if types %}
    inner join {{ ref('stg_netsuite__transactions') }} as document
        on line.connection = document.connection and line.transaction_id = document.transaction_id
            and not document.is_removed and document.transaction_type in ({{ quoted(types) }})
    {%- endif %}
    where not line.is_removed
    group by line.connection, line.transaction_id
{%- endmacro %}
