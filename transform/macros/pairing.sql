{#- Pairing of documents that name nothing: what is common to invoices and payments. Which documents enter and in which order is in the models. -#}

{#-
  The difference allowed, in whole minor units: the greater of so many a line and a share of the amount. A share of one in a whole
  number is an integer division: decimals that lose places cost more than all joins of a large reconciliation.
-#}
{% macro tolerance_minor(lines, total_minor, policy) -%}
    {%- set parts = 1 / (policy['tolerance_share'] | float) -%}
    cast(greatest(
        {{ lines }} * {{ policy['tolerance_minor_per_line'] }},
        {% if (parts - (parts | round)) | abs < 0.000001 -%}
        {{ whole_division('abs(coalesce(' ~ total_minor ~ ', 0))', parts | round | int) }}
        {%- else -%}
        floor(abs(coalesce({{ total_minor }}, 0)) * {{ policy['tolerance_share'] }})
        {%- endif %}
    ) as bigint)
{%- endmacro %}

{#- What of each side's document belongs to a pair: of a group the lead bears what is left of the one document, the others their own amount. -#}
{% macro paired_amounts(whole_billing, whole_ledger) -%}
    case when cardinality = '1:n' then case when member = 1 then {{ whole_billing }} - ({{ whole_ledger }} - ledger_total) else ledger_total end
            else billing_total end as billing_amount,
        case when cardinality = 'n:1' then case when member = 1 then {{ whole_ledger }} - ({{ whole_billing }} - billing_total) else billing_total end
            else ledger_total end as ledger_amount
{%- endmacro %}

{% macro whole_division(number, divisor) -%} ({{ number }} // {{ divisor }}) {%- endmacro %}

{#-
  Pairs out of `candidates`, as common table expression `name`: each is the other's nearest. What is left is asked
  again among itself: two documents that come after two others would all have the same nearest.
-#}
{% macro nearest_pairs(name, candidates, left, right, left_order, right_order, rounds=3) -%}
{%- for round in range(1, rounds + 1) %}
{%- if round > 1 %}
{{ name }}_until_{{ round - 1 }} as (
    {%- for earlier in range(1, round) %}
    select {{ left }}, {{ right }} from {{ name }}_{{ earlier }}{{ ' union all' if not loop.last }}
    {%- endfor %}
),
{% endif %}
{{ name }}_{{ round }} as (
    select {{ left }}, {{ right }}
    from (
        select
            candidate.{{ left }}, candidate.{{ right }},
            row_number() over (partition by candidate.{{ left }} order by {{ left_order }}) as left_place,
            row_number() over (partition by candidate.{{ right }} order by {{ right_order }}) as right_place
        from {{ candidates }} as candidate
        {%- if round > 1 %}
        left join {{ name }}_until_{{ round - 1 }} as left_pair on candidate.{{ left }} = left_pair.{{ left }}
        left join {{ name }}_until_{{ round - 1 }} as right_pair on candidate.{{ right }} = right_pair.{{ right }}
        where left_pair.{{ left }} is null and right_pair.{{ right }} is null
        {%- endif %}
    ) as placed
    where left_place = 1 and right_place = 1
),
{% endfor %}
{{ name }} as (
    select {{ left }}, {{ right }} from {{ name }}_until_{{ rounds - 1 }} union all select {{ left }}, {{ right }} from {{ name }}_{{ rounds }}
),
{%- endmacro %}

{#-
  Bounded search for groups, as common table expressions: one document of either side that several of the other add up to.

  sides: the two names; relations: side -> relation with `key`, `day`, customer_id, currency, total_minor and tolerance_minor;
  settled: relations with <side>_key of both sides, whose documents do not take part.

  Same customer and currency, at most `group_window_days` apart, positive amounts. A document is searched for among at most
  `group_candidates` others and in groups of at most `group_size`; all candidates together are one more group, whatever their number.
  An exact sum goes before one within the tolerance. Delivered are
    group_members    side of the one document, target_key, member_key, member (1 is the lead);
    group_ambiguous  document_key: several groups fit, or a document fits several groups; nothing is guessed;
    group_bounded    document_key: more candidates than are searched, and all together do not fit.
-#}
{% macro subset_groups(sides, relations, key, day, settled, policy) -%}
{%- set most = policy['group_size'] | int -%}
searched as (
    {%- for side in sides %}
    select '{{ side }}' as side, rest.{{ key }} as document_key, rest.customer_id, rest.currency, rest.total_minor, rest.tolerance_minor, rest.{{ day }} as day
    from {{ relations[side] }} as rest
    {%- for relation in settled %}
    left join (select distinct {{ side }}_key as document_key from {{ relation }}) as settled_{{ loop.index }} on rest.{{ key }} = settled_{{ loop.index }}.document_key
    {%- endfor %}
    where rest.total_minor > 0{% for relation in settled %} and settled_{{ loop.index }}.document_key is null{% endfor %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

group_candidates as (
    select
        target.side,
        target.document_key as target_key,
        target.total_minor as target_minor,
        target.tolerance_minor,
        candidate.document_key as member_key,
        candidate.total_minor,
        row_number() over (partition by target.document_key order by candidate.total_minor desc, candidate.day, candidate.document_key) as number,
        count(*) over (partition by target.document_key) as candidates,
        sum(candidate.total_minor) over (partition by target.document_key) as candidates_minor
    from searched as target
    inner join searched as candidate on target.customer_id = candidate.customer_id and target.currency = candidate.currency
    where target.side <> candidate.side and candidate.total_minor < target.total_minor + target.tolerance_minor
        and abs({{ days_between('target.day', 'candidate.day') }}) <= {{ policy['group_window_days'] }}
),

-- where even all of them are too little, no group can fit
promising as (
    select * from group_candidates where candidates > 1 and candidates_minor >= target_minor - tolerance_minor
),

narrow as (
    select * from promising where candidates <= {{ policy['group_candidates'] }}
),

groups_1 as (
    select target_key, target_minor, tolerance_minor, number as last_number, total_minor as group_minor, number as number_1
    from narrow
),
{% for size in range(2, most + 1) %}
groups_{{ size }} as (
    select
        smaller.target_key, smaller.target_minor, smaller.tolerance_minor, following.number as last_number,
        smaller.group_minor + following.total_minor as group_minor
        {%- for number in range(1, size) %}, smaller.number_{{ number }}{% endfor %}, following.number as number_{{ size }}
    from groups_{{ size - 1 }} as smaller
    inner join narrow as following on smaller.target_key = following.target_key
    where following.number > smaller.last_number and smaller.group_minor + following.total_minor <= smaller.target_minor + smaller.tolerance_minor
),
{% endfor %}
fitting as (
    {%- for size in range(2, most + 1) %}
    select
        target_key, abs(group_minor - target_minor) as gap, {{ size }} as size
        {%- for number in range(1, most + 1) %}, {{ 'number_' ~ number if number <= size else 'cast(null as bigint)' }} as number_{{ number }}{% endfor %}
    from groups_{{ size }}
    where abs(group_minor - target_minor) <= tolerance_minor
    union all
    {%- endfor %}
    select distinct
        target_key, abs(candidates_minor - target_minor), 0
        {%- for number in range(1, most + 1) %}, cast(null as bigint){% endfor %}
    from promising
    where (candidates > {{ most }}) and abs(candidates_minor - target_minor) <= tolerance_minor
),

counted as (
    select *, count(*) over (partition by target_key, case when gap = 0 then 0 else 1 end) as rivals, min(gap) over (partition by target_key) as least_gap
    from fitting
),

chosen as (
    select * from counted where rivals = 1 and (gap = 0 or least_gap > 0)
),

undecided as (
    select * from counted where rivals > 1 and (gap = 0 or least_gap > 0)
),

chosen_members as (
    select candidate.side, candidate.target_key, candidate.member_key, candidate.number
    from chosen as chosen_group
    inner join promising as candidate on chosen_group.target_key = candidate.target_key
    where chosen_group.size = 0 {%- for number in range(1, most + 1) %} or chosen_group.number_{{ number }} = candidate.number{% endfor %}
),

undecided_members as (
    select distinct candidate.target_key, candidate.member_key
    from undecided as chosen_group
    inner join promising as candidate on chosen_group.target_key = candidate.target_key
    where chosen_group.size = 0 {%- for number in range(1, most + 1) %} or chosen_group.number_{{ number }} = candidate.number{% endfor %}
),

claims as (
    select target_key, member_key as document_key from chosen_members
    union
    select target_key, target_key from chosen_members
    union
    select target_key, member_key from undecided_members
    union
    select target_key, target_key from undecided_members
),

contested_documents as (
    select document_key from claims group by document_key having count(*) > 1
),

contested_groups as (
    select distinct claims.target_key from claims inner join contested_documents on claims.document_key = contested_documents.document_key
),

group_members as (
    select
        chosen_members.side, chosen_members.target_key, chosen_members.member_key,
        cast(row_number() over (partition by chosen_members.target_key order by chosen_members.number) as integer) as member
    from chosen_members
    left join contested_groups on chosen_members.target_key = contested_groups.target_key
    where contested_groups.target_key is null
),

grouped_documents as (
    select target_key as document_key from group_members
    union
    select member_key from group_members
),

group_ambiguous as (
    select distinct claims.document_key
    from claims
    left join grouped_documents on claims.document_key = grouped_documents.document_key
    where grouped_documents.document_key is null
),

group_bounded as (
    select bounded.document_key
    from (
        select target_key as document_key from promising where candidates > {{ policy['group_candidates'] }}
        union
        select member_key from promising where candidates > {{ policy['group_candidates'] }}
    ) as bounded
    left join grouped_documents on bounded.document_key = grouped_documents.document_key
    left join group_ambiguous on bounded.document_key = group_ambiguous.document_key
    where grouped_documents.document_key is null and group_ambiguous.document_key is null
),
{%- endmacro %}
