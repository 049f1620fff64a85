{#- How names, domains and tax ids are made comparable, and how a golden id is made. -#}

{#- Lower case, accents and punctuation gone, legal forms gone: 'Müller & Co. G.m.b.H.' and 'MULLER AND CO' are equal. -#}
{% macro normalised_name(name) -%}
    {%- set facts = identity_facts() -%}
    nullif(trim(regexp_replace(regexp_replace(
        regexp_replace(
            ' ' || regexp_replace(replace(replace({{ strip_accents('lower(' ~ name ~ ')') }}, '.', ''), '&', ' and '), '[^a-z0-9]+', '  ', {{ all_matches() }}) || ' ',
            ' ({{ facts['legal_forms'] | join('|') }}|holdings?|group|the|and) ', ' ', {{ all_matches() }}),
        '( +({{ facts['short_legal_forms'] | join('|') }}))+ *$', '', {{ all_matches() }}),
        ' +', ' ', {{ all_matches() }})), '')
{%- endmacro %}

{#- Letters and digits of a tax id in upper case; a value of fewer than five says nothing. -#}
{% macro normalised_tax_id(tax_id) -%}
    case when length(regexp_replace({{ tax_id }}, '[^A-Za-z0-9]', '', {{ all_matches() }})) >= 5
        then upper(regexp_replace({{ tax_id }}, '[^A-Za-z0-9]', '', {{ all_matches() }})) end
{%- endmacro %}

{#- Host of a URL, an e-mail address or a bare domain; domains that many share identify nobody. -#}
{% macro normalised_domain(text) -%}
    {%- set host -%}
    regexp_replace(regexp_replace(lower(trim({{ text }})), '^([a-z]+://)?([^@/]*@)?(www\.)?', ''), '[/:?#].*$', '')
    {%- endset -%}
    case when {{ host }} like '%.%' and {{ host }} not in ({{ quoted(identity_facts()['shared_domains']) }}
    ) then {{ host }} end
{%- endmacro %}

{#- A stable id of a golden customer: of its owner's connection and id. The same in every rebuild. -#}
{% macro golden_id(connection, record_id) -%}
    {{ stable_id("'customer'", connection ~ " || ':' || " ~ record_id) }}
{%- endmacro %}

{#- The MD5 of a kind and a key, written as a UUID. -#}
{% macro stable_id(kind, key) -%}
    {%- set digest -%} md5('concord:' || {{ kind }} || ':' || {{ key }}) {%- endset -%}
    substr({{ digest }}, 1, 8) || '-' || substr({{ digest }}, 9, 4) || '-' || substr({{ digest }}, 13, 4) || '-'
        || substr({{ digest }}, 17, 4) || '-' || substr({{ digest }}, 21, 12)
{%- endmacro %}

{#- The last nine digits of a phone number: enough to tell subscribers apart, without country code and trunk zero. -#}
{% macro phone_key(phone) -%}
    case when length(regexp_replace({{ phone }}, '[^0-9]', '', {{ all_matches() }})) >= 7
        then right(regexp_replace({{ phone }}, '[^0-9]', '', {{ all_matches() }}), 9) end
{%- endmacro %}

{% macro strip_accents(text) -%} strip_accents({{ text }}) {%- endmacro %}

{#- The flag that makes regexp_replace replace every match. -#}
{% macro all_matches() -%} 'g' {%- endmacro %}

{% macro first_item(list) -%} list_extract({{ list }}, 1) {%- endmacro %}

{% macro has_item(list, item) -%} coalesce(list_contains({{ list }}, {{ item }}), false) {%- endmacro %}

{#- How alike two texts are, 0 to 1. -#}
{% macro similarity(left, right) -%} jaro_winkler_similarity({{ left }}, {{ right }}) {%- endmacro %}
