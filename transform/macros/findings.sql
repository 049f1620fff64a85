{#- Teams of a finding, from contracts/findings.yml: given outright, the team of one side, or the teams of both. -#}

{% macro team_of_role(role) %}
    case {{ role }}
        {%- for name, team in finding_kinds()['teams'].items() %} when '{{ name }}' then '{{ team }}'{% endfor %} end
{%- endmacro %}

{% macro owner_teams(drift_id, role, left_connection, right_connection) %}
    case {{ drift_id }}
        {%- for name, kind in finding_kinds()['kinds'].items() %}
        when '{{ name }}' then
            {%- if kind['owner'] == 'both' %}
            {{ team_of_role(role_of_connection(left_connection)) }} || '+' || {{ team_of_role(role_of_connection(right_connection)) }}
            {%- elif kind['owner'] == 'side' %}
            {{ team_of_role(role) }}
            {%- else %} '{{ kind['owner'] | join('+') }}'
            {%- endif %}
        {%- endfor %}
    end
{%- endmacro %}
