{#- What several rows of Zuora say together. -#}

{#-
  The charges of each version of a subscription with their products. A version keeps the plans that it took out: they count until they end.
  Those that a cancellation took out say what was had last.
-#}
{% macro zuora_charges() -%}
    select
        charge.connection, plan.subscription_version_id, plan.product_id, charge.rate_plan_id, charge.rate_plan_charge_id, charge.subscription_item_id,
        charge.segment, charge.is_last_segment, charge.charge_type, charge.billing_period, charge.quantity, charge.charged_through_date, charge.updated_at
    from {{ ref('stg_zuora__rate_plan_charges') }} as charge
    inner join {{ ref('stg_zuora__rate_plans') }} as plan
        on charge.connection = plan.connection and charge.rate_plan_id = plan.rate_plan_id and not plan.is_removed
    inner join {{ ref('stg_zuora__subscriptions') }} as agreement
        on plan.connection = agreement.connection and plan.subscription_version_id = agreement.subscription_version_id
    cross join (select cast(max(extracted_at) as date) as today from {{ ref('stg_zuora__subscriptions') }}) as clock
    where not charge.is_removed
        and (coalesce(plan.amendment_type, '') <> 'RemoveProduct' or agreement.status_raw = 'Cancelled' or charge.effective_end_date > clock.today)
{%- endmacro %}

{#- Months of a charge's billing period; null where it is not whole months. -#}
{% macro zuora_months(period) -%}
    case {{ period }} when 'Month' then 1 when 'Quarter' then 3 when 'Semi_Annual' then 6 when 'Annual' then 12 end
{%- endmacro %}
