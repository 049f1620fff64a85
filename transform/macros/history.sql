{#- Who held which value from when to when: versions of records folded into spans, and questions as of a moment. -#}

{#-
  The last steps of a history model. `versions`: connection, entity, record_id, part, field, value, changed_by, is_removed, version_at,
  extracted_at, load_id; a row a version and field, in any order.

  Versions are taken as they arrived: a later load may say more of a record, but a version older than one already known says nothing of now
  and is left out, as staging leaves it out. A span begins when the vendor says that the record changed; where the vendor's stamp did not move
  with the value, when it was read. So the spans depend on the loads alone, not on how many builds took them in.
-#}
{% macro field_spans(versions) %}
    {%- set key = 'connection, entity, record_id, part, field' -%}
{%- if is_incremental() %}
known as (
    select kept.*
    from {{ this }} as kept
    inner join (select distinct {{ key }} from {{ versions }}) as arrived
        on arrived.record_id = kept.record_id and arrived.connection = kept.connection and arrived.entity = kept.entity
            and arrived.part = kept.part and arrived.field = kept.field
),
{% endif %}
candidates as (
    select
        {{ key }}, case when is_removed then null else value end as value, is_removed, changed_by, version_at, extracted_at, load_id,
        load_id as last_load_id, cast(null as {{ sql_type('timestamp') }}) as valid_from, true as is_new, true as is_first_known
    from {{ versions }}
    {%- if is_incremental() %}
    union all
    select
        {{ key }}, value_raw as value, is_removed, changed_by, last_version_at as version_at, extracted_at, load_id, last_load_id, valid_from,
        false as is_new, is_first_known
    from known
    where is_current
    {%- endif %}
),

placed as (
    select
        *,
        row_number() over (
            partition by {{ key }} order by is_new, load_id, version_at, extracted_at, is_removed, coalesce(value, ''), coalesce(changed_by, '')
        ) as place
    from candidates
),

preceded as (
    select
        *,
        max(version_at) over (partition by {{ key }} order by place rows between unbounded preceding and 1 preceding) as newest_before
    from placed
),

compared as (
    select
        *,
        case
            when lag(place) over (partition by {{ key }} order by place) is null then 1
            when value is distinct from lag(value) over (partition by {{ key }} order by place) then 1
            when is_removed <> lag(is_removed) over (partition by {{ key }} order by place) then 1
            else 0
        end as is_change
    from preceded
    where newest_before is null or version_at >= newest_before
),

numbered as (
    select
        *,
        sum(is_change) over (partition by {{ key }} order by place rows between unbounded preceding and current row) as span
    from compared
),

confirmed as (
    select
        *,
        max(version_at) over (partition by {{ key }}, span) as last_version_at,
        max(last_load_id) over (partition by {{ key }}, span) as newest_load_id,
        case
            when not is_new then valid_from
            when newest_before is null or version_at > newest_before then version_at
            else extracted_at
        end as moment
    from numbered
),

begun as (
    select
        *,
        max(moment) over (partition by {{ key }} order by span rows between unbounded preceding and current row) as begins_at
    from confirmed
    where is_change = 1
),

spans as (
    select
        {{ key }}, value as value_raw, is_removed, changed_by, begins_at as valid_from,
        lead(begins_at) over (partition by {{ key }} order by span) as valid_to,
        span = 1 and is_first_known as is_first_known, extracted_at, load_id, last_version_at, newest_load_id as last_load_id
    from begun
)

select
    connection, entity, record_id, part, field, value_raw, is_removed, changed_by, valid_from, valid_to, valid_to is null as is_current,
    is_first_known, extracted_at, load_id, last_version_at, last_load_id
from spans
where valid_to is null or valid_to > valid_from
{%- if is_incremental() %}

union all

select
    connection, entity, record_id, part, field, value_raw, is_removed, changed_by, valid_from, valid_to, is_current,
    is_first_known, extracted_at, load_id, last_version_at, last_load_id
from known
where not is_current
{%- endif %}
{% endmacro %}

{#-
  The versions of file drops: for every table that becomes a tracked entity row by row, the columns of its form. A table whose form groups
  its lines has no version of its own for what they become, so it has no history.
-#}
{% macro drop_versions() %}
    {%- do ref('stg_loads') if var('drops', {}) -%}
    {%- for connection, tables in var('drops', {}).items() %}{% for table, told in tables.items() if table in var('landed', {}).get(connection, []) %}
    {%- for entity, shape in tracked_fields().items() if entity in told['becomes'] %}{% for form in told['becomes'][entity] if not form['group_by'] and not form.get('qualify') %}
    {%- for column, (owner, field, kind) in shape['fields'].items() if column in form['columns'] and shape['record_id'] in form['columns'] %}
    select
        '{{ connection }}' as connection,
        '{{ owner }}' as entity,
        cast({{ form['columns'][shape['record_id']] }} as {{ sql_type('string') }}) as record_id,
        '' as part,
        '{{ field }}' as field,
        {%- set value = 'cast((' ~ form['columns'][column] ~ ') as ' ~ sql_type(kind) ~ ')' %}
        {% if kind == 'boolean' %}case when {{ value }} then 'true' when not {{ value }} then 'false' end
        {%- elif kind in ('money', 'decimal', 'bigint') %}{{ number_text(value) }}
        {%- else %}nullif(cast({{ value }} as {{ sql_type('string') }}), ''){% endif %} as value,
        cast(null as {{ sql_type('string') }}) as changed_by,
        coalesce(_deleted, false) as is_removed,
        coalesce(cast(source_taken_at as {{ sql_type('timestamp') }}), cast(_extracted_at as {{ sql_type('timestamp') }})) as version_at,
        cast(_extracted_at as {{ sql_type('timestamp') }}) as extracted_at,
        _load_id as load_id
    from {{ landed_files(connection, table) }} as landed
    inner join {{ ref('stg_loads') }} as loads on landed._connection = loads.connection and landed._load_id = loads.load_id
    where {{ form['columns'][shape['record_id']] }} is not null{% if form['where'] %} and ({{ form['where'] }}){% endif %}
    union all
    {%- endfor %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}
    {{ no_rows({'connection': 'string', 'entity': 'string', 'record_id': 'string', 'part': 'string', 'field': 'string', 'value': 'string',
        'changed_by': 'string', 'is_removed': 'boolean', 'version_at': 'timestamp', 'extracted_at': 'timestamp', 'load_id': 'string'}) }}
{%- endmacro %}

{#- True for the row of a history that held at a moment: the condition of an as-of join. -#}
{% macro held_at(history, moment) -%}
    {{ moment }} >= {{ history }}.valid_from and ({{ history }}.valid_to is null or {{ moment }} < {{ history }}.valid_to)
{%- endmacro %}

{#- The value of a field of a record at a moment, as text; null where nobody knows. -#}
{% macro as_of_value(entity, field, connection, record_id, moment) -%}
    (select max(held.value) from {{ ref('field_history') }} as held
     where held.entity = '{{ entity }}' and held.field = '{{ field }}' and held.connection = {{ connection }} and held.record_id = {{ record_id }}
        and {{ held_at('held', moment) }})
{%- endmacro %}

{#-
  Spans in which any part of something is true, as changes in time: `parts` has `key` columns, is_true, valid_from, valid_to.
  Gives key columns, is_true, valid_from, valid_to.
-#}
{% macro any_part_true(parts, key) %}
    {%- set by = key | join(', ') %}
    select {{ by }}, is_true, valid_from, lead(valid_from) over (partition by {{ by }} order by valid_from) as valid_to
    from (
        select
            *,
            case when is_true is distinct from lag(is_true) over (partition by {{ by }} order by valid_from) then 1 else 0 end as is_change
        from (
            select {{ by }}, moment as valid_from, sum(sum(step)) over (partition by {{ by }} order by moment) > 0 as is_true
            from (
                select {{ by }}, valid_from as moment, case when is_true then 1 else 0 end as step from {{ parts }}
                union all
                select {{ by }}, valid_to as moment, case when is_true then -1 else 0 end as step from {{ parts }} where valid_to is not null
            ) as steps
            group by {{ by }}, moment
        ) as counted
    ) as changes
    where is_change = 1
{%- endmacro %}
