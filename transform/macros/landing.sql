{#- Reading landing. Only staging calls these: typed union over a system's connections, completed loads only, newest version of a key. -#}

{#-
  `seen`: the column of an incremental model that names the newest load it has taken in. It is asked for first and written down as a text: only
  so are the files of older loads left unread.
-#}
{% macro landing(system, resource, seen='load_id') %}
    {%- set shape = landing_schema(system)[resource] -%}
    {%- do source(system, resource) -%}
    {%- set folder = shape.get('folder', resource) -%}
    {%- set newest = newest_loads(seen) -%}
    {%- set names = var('connections', {}).values() | sum(start=[]) | sort if system == 'concord' else var('connections', {}).get(system, []) | sort -%}
    select
        {%- for column, kind in shape['columns'].items() %}
        cast(landed.{{ adapter.quote(column) }} as {{ sql_type(kind) }}) as {{ adapter.quote(column) }},
        {%- endfor %}
        landed._connection,
        cast(landed._extracted_at as {{ sql_type('timestamp') }}) as _extracted_at,
        landed._load_id,
        landed._deleted,
        landed._extra
    from (
        {{ no_rows(dict(shape['columns'], _connection='string', _extracted_at='timestamp', _load_id='string', _deleted='boolean', _extra='string')) }}
        {%- for name in names if folder in var('landed', {}).get(name, []) %}
        union all by name
        select * from {{ landed_files(name, folder) }}{% if name in newest %} where _load_id > '{{ newest[name] }}'{% endif %}
        {%- endfor %}
    ) as landed
    inner join {{ ref('stg_loads') }} as loads
        on landed._connection = loads.connection and landed._load_id = loads.load_id
{%- endmacro %}

{#- Resource -> columns, key and version of what ingestion lands; nothing for a file drop, which is an installation's own. -#}
{% macro landing_schema(system) %}
    {{ return(context['landing_schema_' ~ system]() if 'landing_schema_' ~ system in context else {}) }}
{% endmacro %}

{#- Connection -> the newest load that an incremental model has taken in; nothing where it is built from scratch. -#}
{% macro newest_loads(seen) %}
    {%- set newest = {} -%}
    {%- if execute and is_incremental() -%}
        {%- for row in run_query('select connection, max(' ~ seen ~ ') as load_id from ' ~ this ~ ' group by connection').rows if row[1] -%}
            {%- do newest.update({row[0]: row[1]}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(newest) }}
{% endmacro %}

{% macro landed_files(connection, folder) -%}
    read_parquet('{{ var("landing") | replace("'", "''") }}/{{ connection }}/{{ folder }}/*.parquet', union_by_name = true)
{%- endmacro %}


{#- The columns that every staging model ends with. `removed`: how the vendor itself marks a deleted row, besides our tombstones. -#}
{% macro staged_columns(removed='false') -%}
        coalesce(_deleted, false) or coalesce({{ removed }}, false) as is_removed,
        _extra as extra,
        _extracted_at as extracted_at,
        _load_id as load_id
{%- endmacro %}

{#- One row a key: the newest by version, then by extraction, then by load. The whole row breaks ties, so a rebuild chooses the same one. -#}
{% macro latest_version(relation) %}
    {%- set keys = config.get('unique_key') -%}
    select *
    from (
        select * from {{ relation }}
        {%- if is_incremental() %}
        union all by name
        select kept.* from {{ this }} as kept
        where exists (
            select 1 from {{ relation }} as arrived
            where {% for key in keys %}{{ 'and ' if not loop.first }}arrived.{{ key }} = kept.{{ key }}{{ ' ' }}{% endfor %}
        )
        {%- endif %}
    ) as candidates
    qualify row_number() over (
        partition by {{ keys | join(', ') }}
        order by version_at desc, extracted_at desc, load_id desc, candidates desc
    ) = 1
{%- endmacro %}
