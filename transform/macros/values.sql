{#- Decoding values: status codes by the versioned map, minor units by currency, text forms that compare equal. -#}

{#- Canonical value of a raw code, null where the map does not know it. `system` is the column that names the row's vendor, or its name in quotes.
    Written out for the connected systems: a lookup in the seed is a join of every document, and took a sixth of the time that invoices took. -#}
{% macro decoded(entity, field, system, raw) -%}
    {%- set maps = value_codes().get(entity, {}).get(field, {}) -%}
    {%- set known = maps | select('in', var('connections', {})) | list -%}
    {%- if known -%}
    case {{ system }}
        {%- for vendor in known %} when '{{ vendor }}' then
        case {{ raw }} {%- for code, value in maps[vendor].items() %} when '{{ code | replace("'", "''") }}' then '{{ value }}'{% endfor %} end
        {%- endfor %} end
    {%- else -%} cast(null as {{ sql_type('string') }})
    {%- endif -%}
{%- endmacro %}

{#- A system's own word for a canonical value: the value map read backwards, the shortest word where several mean the same. -#}
{% macro spelled(entity, field, system, value) -%}
    (select min_by(code.raw_value, (length(code.raw_value), code.raw_value)) from {{ ref('value_map') }} as code
     where code.entity = '{{ entity }}' and code.field = '{{ field }}' and code.system = '{{ system }}' and code.value = {{ value }})
{%- endmacro %}

{#- Minor units as an amount. `size` is currency.minor_size of the row's system and currency. -#}
{% macro from_minor(minor, size) -%} cast({{ minor }} * {{ size }} as {{ sql_type('money') }}) {%- endmacro %}

{#- Minor units of each currency by ISO 4217: a vendor may count some of them otherwise, and documents of two vendors have to be comparable. -#}
{% macro minor_units() -%}
    select currency, minor_units, minor_size from {{ ref('currency') }} where system = 'file_drop'
{%- endmacro %}

{#- An amount in whole minor units. -#}
{% macro to_minor(amount, units) -%}
    {%- set factor -%} case {{ units }} when 0 then 1 when 3 then 1000 else 100 end {%- endset -%}
    {{ if_narrow(amount, 14, 6, 'cast(round(narrow * cast(' ~ factor ~ ' as decimal(4, 0)), 0) as bigint)',
        'cast(round(cast(' ~ amount ~ ' as decimal(24,6)) * cast(' ~ factor ~ ' as integer), 0) as bigint)') }}
{%- endmacro %}

{#-
  Two ways to the same number: `narrowly`, told over the word `narrow` for the amount as decimal(precision, scale), where it is exactly that;
  else `plainly`. DuckDB divides decimals of more than 18 digits thirty times as slowly as those of 18 or fewer, and nearly all amounts are such.
  An amount that is a query or an aggregate is not worth being written down several times.
-#}
{% macro if_narrow(amount, precision, scale, narrowly, plainly) -%}
    {%- set narrow = 'try_cast(' ~ amount ~ ' as decimal(' ~ precision ~ ', ' ~ scale ~ '))' -%}
    {%- if amount | lower == 'null' or 'select ' in amount | lower or 'sum(' in amount | lower or 'max(' in amount | lower -%} {{ plainly }}
    {%- else -%} case when {{ narrow }} = {{ amount }} then {{ narrowly | replace('narrow', narrow) }} else {{ plainly }} end
    {%- endif -%}
{%- endmacro %}

{#- An amount rounded to the smallest coin of its currency; `units` is its number of decimal places. -#}
{% macro rounded_to_coin(amount, units) -%}
    case {{ units }} when 0 then cast(round({{ amount }}, 0) as {{ sql_type('money') }}) when 3 then cast(round({{ amount }}, 3) as {{ sql_type('money') }})
        else cast(round({{ amount }}, 2) as {{ sql_type('money') }}) end
{%- endmacro %}

{% macro money(amount) -%}
    {{ if_narrow(amount, 18, 9, 'cast(cast(narrow as decimal(18, 6)) as ' ~ sql_type('money') ~ ')', 'cast(' ~ amount ~ ' as ' ~ sql_type('money') ~ ')') }}
{%- endmacro %}

{#- A number as text without needless zeros: 12.50 and 12.5 give '12.5', 12.00 gives '12'. -#}
{% macro number_text(number) -%}
    regexp_replace(regexp_replace(cast({{ number }} as {{ dbt.type_string() }}), '(\.[0-9]*[1-9])0+$', {{ first_group() }}), '\.0*$', '')
{%- endmacro %}
{% macro first_group() -%} '\1' {%- endmacro %}

{% macro json_text(text) -%} cast(to_json(cast({{ text }} as varchar)) as varchar) {%- endmacro %}

{#- A JSON value: kind is text, number, date or boolean. Null stays SQL null. -#}
{% macro json_value(value, kind) -%}
    {%- if kind == 'number' -%} {{ number_text(value) }}
    {%- elif kind == 'boolean' -%} case when {{ value }} then 'true' when not {{ value }} then 'false' end
    {%- else -%} {{ json_text(value) }}
    {%- endif -%}
{%- endmacro %}

{#-
  The desired or the observed JSON of a sync row, keys sorted. fields: key -> {desired, observed, kind, clears_when}.
  A null desired value leaves its key out of both, except where the condition `clears_when` holds: then null is what is wanted.
-#}
{% macro json_fields(fields, side) -%}
    '{' || concat_ws(','
    {%- for key, field in fields | dictsort(true) %},
        case
            {%- if side == 'desired' %}
            when {{ field.desired }} is not null then '"{{ key }}":' || {{ json_value(field.desired, field.kind) }}
            {%- if field.clears_when %}
            when {{ field.clears_when }} then '"{{ key }}":null'
            {%- endif %}
            {%- else %}
            when {{ field.desired }} is not null{% if field.clears_when %} or {{ field.clears_when }}{% endif %}
                then '"{{ key }}":' || coalesce({{ json_value(field.observed, field.kind) }}, 'null')
            {%- endif %}
        end
    {%- endfor %}) || '}'
{%- endmacro %}

{#- True where the desired value is to be written and is not what was observed. -#}
{% macro any_differs(fields, keys) -%}
    ({% for key in keys %}{% set field = fields[key] %}
        {{- 'or ' if not loop.first }}({{ field.desired }} is not null and {{ field.observed }} is distinct from {{ field.desired }})
        {%- if field.clears_when %} or ({{ field.clears_when }} and {{ field.observed }} is not null){% endif %} {% endfor %})
{%- endmacro %}

{% macro age_seconds(later, earlier) -%} cast(floor(epoch({{ later }}) - epoch({{ earlier }})) as bigint) {%- endmacro %}

{% macro days_between(later, earlier) -%} {{ dbt.datediff(earlier, later, 'day') }} {%- endmacro %}

{% macro iso_text(moment, form) -%} strftime({{ moment }}, '{{ form }}') {%- endmacro %}

{#- When the newest completed load saw the world. Models never ask the machine's clock, so a rebuild gives the same rows. -#}
{% macro as_of() -%} (select max(as_of) from {{ ref('extraction_clock') }}) {%- endmacro %}

{#- True where more than so many whole seconds lie between a moment and `as_of`: a comparison of moments, a quarter of the cost of counting them. -#}
{% macro is_older(moment, seconds) -%}
    {{ moment }} <= (select {{ dbt.dateadd('second', -(seconds | int) - 1, 'max(as_of)') }} from {{ ref('extraction_clock') }})
{%- endmacro %}

{#- 'a', 'b' from a list, for IN. -#}
{% macro quoted(items) -%} {% for item in items %}'{{ item }}'{{ ', ' if not loop.last }}{% endfor %} {%- endmacro %}
