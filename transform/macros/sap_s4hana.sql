{#- What several columns of SAP say together. -#}

{#- The state of a sales order in one word of contracts/systems/sap_s4hana.yml; `document` names the row with its dot, or nothing. -#}
{% macro sap_s4hana_order_status(document='') -%}
    case
        -- a letter that the vendor does not list is not guessed at, whatever the others say
        when {{ document }}process_status not in ('', 'A', 'B', 'C') then {{ document }}process_status
        when {{ document }}rejection_status not in ('', 'A', 'B', 'C') then {{ document }}rejection_status
        when {{ document }}approval_status not in ('', 'A', 'B', 'C') then {{ document }}approval_status
        when {{ document }}billing_status not in ('', 'A', 'B', 'C') then {{ document }}billing_status
        when {{ document }}delivery_status not in ('', 'A', 'B', 'C') then {{ document }}delivery_status
        when {{ document }}rejection_status = 'C' then 'rejected'
        when {{ document }}approval_status = 'A' then 'in_approval'
        when {{ document }}approval_status = 'C' then 'approval_refused'
        when {{ document }}process_status = 'C' and {{ document }}billing_status = 'C' then 'billed'
        when {{ document }}process_status = 'C' then 'completed'
        when {{ document }}delivery_status = 'C' then 'delivered'
        when {{ document }}delivery_status = 'B' and {{ document }}billing_status = 'B' then 'partially_delivered_and_billed'
        when {{ document }}delivery_status = 'B' then 'partially_delivered'
        else 'not_delivered'
    end
{%- endmacro %}
