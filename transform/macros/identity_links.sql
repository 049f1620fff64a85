{#- How records are put in order, held against each other and followed to their first. -#}

{#- The order in which records of one company take precedence: the oldest first. -#}
{% macro seniority(alias='') -%}
    {%- set of = alias ~ '.' if alias else '' -%}
    coalesce({{ of }}created_at, cast('9999-01-01' as {{ sql_type('timestamp') }})), length({{ of }}record_id), {{ of }}record_id, {{ of }}connection
{%- endmacro %}

{#- Both name a tax id, and they are not one written in two ways (with and without country or check digits). -#}
{% macro contradicts(left, right) -%}
    coalesce({{ left }}.tax_key <> {{ right }}.tax_key
        and {{ left }}.tax_key not like '%' || {{ right }}.tax_key || '%' and {{ right }}.tax_key not like '%' || {{ left }}.tax_key || '%', false)
{%- endmacro %}

{#-
  Steps of a query that follow each record (record_key, next_key; one row a record at most) to where nobody follows further.
  The last step is <name>_end. Each step doubles the reach: five follow chains of 32. Records that follow each other round, as where a
  steward's merge goes one way and a tax id the other, all end at the least of them.
-#}
{% macro followed(relation, name) %}
    {%- set steps = 5 %}
{{ name }}_0 as (
    select record_key, next_key, least(record_key, next_key) as least_key from {{ relation }}
),
    {%- for step in range(1, steps + 1) %}
    {%- set before = name ~ '_' ~ (step - 1) %}
{{ name }}_{{ step }} as (
    select here.record_key, coalesce(onward.next_key, here.next_key) as next_key, least(here.least_key, coalesce(onward.least_key, here.least_key)) as least_key
    from {{ before }} as here
    left join {{ before }} as onward on here.next_key = onward.record_key
),
    {%- endfor %}
{{ name }}_end as (
    -- who still follows somebody at the end goes round, and passed everybody there
    select here.record_key, coalesce(circle.least_key, here.next_key) as next_key
    from {{ name }}_{{ steps }} as here
    left join {{ name }}_{{ steps }} as circle on here.next_key = circle.record_key
)
{%- endmacro %}

{#- Steps that tell the customer of a record as far as `relation`'s passes decide it: the first pass that names exactly one. -#}
{% macro decided_by(relation, name) -%}
{{ name }}_pass as (
    select record_key, pass, min(customer_id) as customer_id, count(distinct customer_id) as rivals
    from {{ relation }}
    where pass < 9
    group by record_key, pass
),

{{ name }} as (
    select record_key, customer_id
    from {{ name }}_pass
    where rivals = 1
    qualify row_number() over (partition by record_key order by pass) = 1
)
{%- endmacro %}

{#- Steps that offer each observer without a home the customers of the records that it resembles; one that no other comes near links. -#}
{% macro alike_to(homes, pass, name) -%}
{{ name }}_offer as (
    select
        match.record_key,
        home.customer_id,
        match.other_key,
        match.match_weight,
        match.match_probability,
        -- two tax ids are two companies, however alike they look
        case when {{ contradicts('observer', 'other') }} then 'contradicted' else match.band end as band,
        match.evidence
    from match
    inner join observers as observer on match.record_key = observer.record_key
    inner join records as other on match.other_key = other.record_key
    inner join {{ homes }} as home on match.other_key = home.record_key
    left join {{ homes }} as placed on match.record_key = placed.record_key
    left join apart on match.record_key = apart.record_key and home.customer_id = apart.customer_id
    where placed.record_key is null and apart.record_key is null and (match.band = 'match' or not {{ contradicts('observer', 'other') }})
    qualify row_number() over (partition by match.record_key, home.customer_id order by match.match_weight desc, match.other_key) = 1
),

{{ name }} as (
    select
        record_key,
        customer_id,
        'probabilistic' as method,
        case when band = 'match' and match_weight > max(case when band = 'match' then match_weight end) over (partition by record_key) - {{ contract()['customer']['match_margin'] }}
            then {{ pass }} else 9 end as pass,
        evidence,
        match_probability as probability,
        other_key as against_key
    from {{ name }}_offer
)
{%- endmacro %}

{#-
  JSON of what two records have in common: keys that agree, keys that differ, and the weights of a comparison where there was one.
  What only one of them tells is in neither.
-#}
{% macro agreement(left, right, weights) -%}
    {%- set keys = {'name': 'name_key', 'tax_id': 'tax_key', 'domain': 'domain', 'email': 'email', 'postcode': 'postcode_key', 'country': 'country'} -%}
    {%- for told, sign in (('agree', '='), ('differ', '<>')) %}
    '{{ '{' if loop.first }}"{{ told }}":[' || concat_ws(','
        {%- for key, column in keys.items() %}, case when {{ left }}.{{ column }} {{ sign }} {{ right }}.{{ column }} then '"{{ key }}"' end{% endfor %}) || '],' ||
    {%- endfor %} '"compared":' || coalesce({{ weights }}, 'null') || '}'
{%- endmacro %}
