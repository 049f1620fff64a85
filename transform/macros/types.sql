{#- Names of the logical types of the system files and entity contracts in the target's dialect. -#}

{% macro sql_type(kind) %}
    {%- set names = {
        'string': 'varchar', 'json': 'varchar', 'bigint': 'bigint', 'integer': 'integer', 'decimal': 'decimal(38,9)', 'money': 'decimal(24,6)',
        'double': 'double', 'boolean': 'boolean', 'flag': 'boolean', 'timestamp': 'timestamp', 'epoch': 'timestamp',
        'local_timestamp': 'timestamp', 'date': 'date', 'local_date': 'date', 'open_date': 'date', 'open_timestamp': 'timestamp',
        'odata_date': 'date', 'odata_timestamp': 'timestamp', 'text_decimal': 'decimal(38,9)', 'strings': 'varchar[]',
    } -%}
    {{ return(names[kind]) }}
{% endmacro %}

{#- No row, but every column with its type: what a union begins or ends with whose other parts may all be missing. `columns`: name -> logical type. -#}
{% macro no_rows(columns) -%}
    select
        {%- for column, kind in columns.items() %}
        cast(null as {{ sql_type(kind) }}) as {{ adapter.quote(column) }}{{ ',' if not loop.last }}
        {%- endfor %}
    where 1 = 0
{%- endmacro %}
