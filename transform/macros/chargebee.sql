{#- Months of the period that a subscription or one of its items is billed for; null where it is days or weeks. -#}
{% macro chargebee_months(billed) -%}
    {{ billed }}.billing_period * case {{ billed }}.billing_period_unit when 'month' then 1 when 'year' then 12 end
{%- endmacro %}
