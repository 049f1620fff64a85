{#- What the operational store told (contracts/operations.yml): a table with every column typed, empty where nothing has been laid down. -#}

{% macro operations(table) %}
    {%- set columns = operations_shape()[table] -%}
    {%- set there = table in var('operations', []) -%}
    select
        {%- for column, kind in columns.items() %}
        cast({{ 'told.' ~ adapter.quote(column) if there else 'null' }} as {{ sql_type(kind) }}) as {{ adapter.quote(column) }}{{ ',' if not loop.last }}
        {%- endfor %}
    {%- if there %}
    from {{ operations_file(table) }} as told
    {%- else %}
    where 1 = 0
    {%- endif %}
{%- endmacro %}

{% macro operations_file(table) -%} read_parquet('{{ var("landing") | replace("'", "''") }}/_operations/{{ table }}.parquet') {%- endmacro %}
