{#- Since when a row is as it is, for records that carry no stamp of their own change. -#}

{#-
  What `created` says (null: nothing) where it came with the connection's first load, since nobody knows of a change; else when it was seen.
  `table`: the staging model that `row` is a row of.
-#}
{% macro known_since(row, table, created) -%}
    case
        when {{ row }}.load_id = (select min(earliest.load_id) from {{ ref(table) }} as earliest where earliest.connection = {{ row }}.connection)
            then {{ created }}
        else {{ row }}.extracted_at
    end
{%- endmacro %}
