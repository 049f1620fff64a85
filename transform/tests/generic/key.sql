{#- Every row has the column and no other row has the same: what `unique` and `not_null` say together, read once. -#}
{% test key(model, column_name) %}
select {{ column_name }}, count(*) as occurrences
from {{ model }}
group by {{ column_name }}
having count(*) > 1 or {{ column_name }} is null
{% endtest %}
