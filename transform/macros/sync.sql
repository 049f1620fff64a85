{#- What the two account-like targets have in common: owned fields, their canonical source, priority and approval. -#}

{#-
  fields of a target: key -> column of `state` and of `observed`, and kind. `names`: canonical name -> key in the target.
  A customer who never subscribed but shows a cover has it emptied, if the entitlement contract says so.
-#}
{% macro target_fields(names) %}
    {%- set clears = contract()['entitlement']['clears'] -%}
    {%- set kinds = {
        'erp_customer_id': 'text', 'credit_status': 'text', 'credit_limit': 'number', 'erp_balance': 'number', 'overdue_amount': 'number',
        'overdue_days': 'number', 'tier': 'text', 'start_date': 'text', 'end_date': 'text',
    } -%}
    {%- set fields = {} -%}
    {%- for name, key in names.items() -%}
        {%- do fields.update({key: {
            'desired': 'desired.' ~ name, 'observed': 'observed.' ~ name, 'kind': kinds[name],
            'clears_when': 'desired.never_subscribed' if name in clears else '',
        }}) -%}
    {%- endfor -%}
    {{ return(fields) }}
{% endmacro %}
