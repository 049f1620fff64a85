with versions as (
    select
        connection,
        subscription_id,
        subscription_version_id,
        status_raw,
        row_number() over (partition by connection, subscription_id order by version desc, updated_at desc) as place
    from {{ ref('stg_zuora__subscriptions') }}
    where not is_removed
),

-- the period that zuora__subscription tells; a price for a shorter one is paid several times in it
periods as (
    select
        connection,
        subscription_version_id,
        max(case billing_period when 'Month' then 1 when 'Quarter' then 3 when 'Semi_Annual' then 6 when 'Annual' then 12 end) as period_months
    from {{ ref('stg_zuora__rate_plan_charges') }}
    where not is_removed and charge_type = 'Recurring'
    group by connection, subscription_version_id
),

clock as (
    select cast(max(extracted_at) as date) as today from {{ ref('stg_zuora__subscriptions') }}
),

segments as (
    select
        *,
        row_number() over (
            partition by connection, rate_plan_id, subscription_item_id
            order by coalesce(is_last_segment, false) desc, segment desc, updated_at desc
        ) as place
    from {{ ref('stg_zuora__rate_plan_charges') }}
    where not is_removed
),

prices as (
    select connection, rate_plan_charge_id, max(price) as price
    from {{ ref('stg_zuora__rate_plan_charge_tiers') }}
    where not is_removed and tier = 1
    group by connection, rate_plan_charge_id
)

select
    charge.connection,
    charge.subscription_item_id,
    agreement.subscription_id,
    plan.product_id,
    cast(coalesce(charge.quantity, 1) as {{ sql_type('decimal') }}) as quantity,
    -- a fee that is paid once and usage belong to no period
    case when coalesce(charge.charge_type, 'Recurring') = 'Recurring' then
        {{ money("price.price * coalesce(charge.quantity, 1) * coalesce(periods.period_months / case charge.billing_period when 'Month' then 1 when 'Quarter' then 3 when 'Semi_Annual' then 6 when 'Annual' then 12 end, 1)") }}
    end as amount
from segments as charge
inner join {{ ref('stg_zuora__rate_plans') }} as plan on charge.connection = plan.connection and charge.rate_plan_id = plan.rate_plan_id
inner join versions as agreement
    on plan.connection = agreement.connection and plan.subscription_version_id = agreement.subscription_version_id and agreement.place = 1
cross join clock
left join periods
    on agreement.connection = periods.connection and agreement.subscription_version_id = periods.subscription_version_id
left join prices as price on charge.connection = price.connection and charge.rate_plan_charge_id = price.rate_plan_charge_id
where charge.place = 1 and not plan.is_removed
    -- a version keeps the plans that it took out; those that a cancellation ended say what was had last
    and (coalesce(plan.amendment_type, '') <> 'RemoveProduct' or agreement.status_raw = 'Cancelled' or charge.effective_end_date > clock.today)
