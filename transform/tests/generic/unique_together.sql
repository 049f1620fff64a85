{#- The named columns together occur once and none of them is null. -#}
{% test unique_together(model, columns) %}
select {{ columns | join(', ') }}, count(*) as occurrences
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1 or {% for column in columns %}{{ 'or ' if not loop.first }}{{ column }} is null {% endfor %}
{% endtest %}
