with versions as (
    select
        connection,
        subscription_id,
        subscription_version_id,
        row_number() over (partition by connection, subscription_id order by version desc, updated_at desc) as place
    from {{ ref('stg_zuora__subscriptions') }}
    where not is_removed
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
    {{ money('price.price * coalesce(charge.quantity, 1)') }} as amount
from segments as charge
inner join {{ ref('stg_zuora__rate_plans') }} as plan on charge.connection = plan.connection and charge.rate_plan_id = plan.rate_plan_id
inner join versions as agreement
    on plan.connection = agreement.connection and plan.subscription_version_id = agreement.subscription_version_id and agreement.place = 1
left join prices as price on charge.connection = price.connection and charge.rate_plan_charge_id = price.rate_plan_charge_id
where charge.place = 1 and not plan.is_removed
