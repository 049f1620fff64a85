{#- The seam between the systems and the canonical models: every connected system's rows of an entity, in the one shape that they share. -#}

{#-
  Rows of an entity over all connected systems: `system`, `connection` and the columns of contracts/conformed.yml.
  No row, but every column with its type, where no connected system keeps the entity.
-#}
{% macro conformed(entity) %}
    {%- set columns = conformed_shape()[entity] -%}
    {%- set systems = [] -%}
    {%- for system in conformed_systems()[entity] if system in var('connections', {}) -%}{%- do systems.append(system) -%}{%- endfor -%}
    {%- for system in systems %}
    select '{{ system }}' as system, connection, {{ columns.keys() | join(', ') }}
    from {{ ref(system ~ '__' ~ entity) }}
    {{ 'union all' if not loop.last }}
    {%- else %}
    {{ no_rows(dict({'system': 'string', 'connection': 'string'}, **columns)) }}
    {%- endfor %}
{%- endmacro %}

{#- What a connection was told to be in connections.yml. -#}
{% macro role_of_connection(connection) %}
    case {{ connection }}
        {%- for name, role in var('roles', {}).items() %} when '{{ name }}' then '{{ role }}'{% endfor %} else 'erp' end
{%- endmacro %}

{#-
  Rows of an entity out of file drops: what a drop's form says under `becomes`, over the newest version of each landed row.
  A drop is an installation's own, so it has no staging models: its columns come with the variable `drops`. What a model hangs on must not
  depend on what has landed: a parsed project is used again when more has.
-#}
{% macro conformed_drops(entity) %}
    {%- set columns = conformed_shape()[entity] -%}
    {%- do ref('stg_loads') if var('drops', {}) -%}
    {%- for connection, tables in var('drops', {}).items() %}{% for table, told in tables.items() if entity in told['becomes'] and table in var('landed', {}).get(connection, []) %}
    {%- for form in told['becomes'][entity] %}
    select
        '{{ connection }}' as connection,
        {%- for column, kind in columns.items() %}
        cast({{ form['columns'].get(column, 'null') }} as {{ sql_type(kind) }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from ({{ newest_rows(connection, table, told['columns'], told['key']) }}) as landed
    where not is_gone{% if form['where'] %} and ({{ form['where'] }}){% endif %}
    {%- if form['group_by'] %}
    group by {{ form['group_by'] | join(', ') }}
    {%- endif %}
    {%- if form['qualify'] %}
    qualify {{ form['qualify'] }}
    {%- endif %}
    union all
    {%- endfor %}{% endfor %}{% endfor %}
    {{ no_rows(dict({'connection': 'string'}, **columns)) }}
{%- endmacro %}

{#- The newest version of each row of a landed table, read where it lies. -#}
{% macro newest_rows(connection, table, columns, key) %}
        select *
        from (
            select
                {%- for column, kind in columns.items() %}
                cast(file.{{ adapter.quote(column) }} as {{ sql_type(kind) }}) as {{ adapter.quote(column) }},
                {%- endfor %}
                coalesce(file._deleted, false) as is_gone,
                row_number() over (
                    partition by {% for name in key %}file.{{ adapter.quote(name) }}{{ ', ' if not loop.last }}{% endfor %}
                    order by file.source_taken_at desc, file._extracted_at desc, file._load_id desc
                ) as place
            from {{ landed_files(connection, table) }} as file
            inner join {{ ref('stg_loads') }} as loads on file._connection = loads.connection and file._load_id = loads.load_id
        ) as versions
        where place = 1
{%- endmacro %}

{#- The users of the connected systems that Concord itself writes as: what one of them changed is no change of the source's own. -#}
{% macro integration_users() %}
    select connection, agent_id
    from ({{ conformed('agent') }}) as agent
    where lower(login) in ({{ quoted(var('integration_usernames')) }})
        {%- for name in var('integration_usernames') %} or lower(login) like '{{ name }}.%'{% endfor %}
{%- endmacro %}
