-- the newest rate of the rate table; without one the rate that the currency itself shows
with rates as (
    select
        connection,
        currency_id,
        base_currency_id,
        exchange_rate,
        effective_date,
        row_number() over (partition by connection, currency_id, base_currency_id order by effective_date desc, rate_id desc) as place
    from {{ ref('stg_netsuite__currency_rates') }}
    where not is_removed
)

select
    money.connection,
    money.currency,
    coalesce(rates.exchange_rate, money.exchange_rate) as rate,
    base.currency as base_currency,
    coalesce(rates.effective_date, cast(money.updated_at as date)) as valid_from
from {{ ref('stg_netsuite__currencies') }} as money
left join {{ ref('stg_netsuite__currencies') }} as base
    on money.connection = base.connection and base.is_base_currency and not base.is_removed
left join rates
    on money.connection = rates.connection and money.currency_id = rates.currency_id and base.currency_id = rates.base_currency_id
        and rates.place = 1
where not money.is_removed
