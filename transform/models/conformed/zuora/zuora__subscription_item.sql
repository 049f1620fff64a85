with charges as (
    {{ zuora_charges() }}
),

versions as (
    select
        connection,
        subscription_id,
        subscription_version_id,
        row_number() over (partition by connection, subscription_id order by version desc, updated_at desc) as place
    from {{ ref('stg_zuora__subscriptions') }}
    where not is_removed
),

-- the period that zuora__subscription tells; a price for a shorter one is paid several times in it
periods as (
    select connection, subscription_version_id, max({{ zuora_months('billing_period') }}) as period_months
    from charges
    where charge_type = 'Recurring'
    group by connection, subscription_version_id
),

segments as (
    select
        *,
        row_number() over (
            partition by connection, rate_plan_id, subscription_item_id
            order by coalesce(is_last_segment, false) desc, segment desc, updated_at desc
        ) as place
    from charges
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
    charge.product_id,
    cast(coalesce(charge.quantity, 1) as {{ sql_type('decimal') }}) as quantity,
    -- a fee that is paid once and usage belong to no period
    case when coalesce(charge.charge_type, 'Recurring') = 'Recurring' then
        {{ money('price.price * coalesce(charge.quantity, 1) * coalesce(periods.period_months / ' ~ zuora_months('charge.billing_period') ~ ', 1)') }}
    end as amount
from segments as charge
inner join versions as agreement
    on charge.connection = agreement.connection and charge.subscription_version_id = agreement.subscription_version_id and agreement.place = 1
left join periods
    on agreement.connection = periods.connection and agreement.subscription_version_id = periods.subscription_version_id
left join prices as price on charge.connection = price.connection and charge.rate_plan_charge_id = price.rate_plan_charge_id
where charge.place = 1
