-- the rate table, dated; for a currency that it leaves out the rate that the currency itself shows
with bases as (
    select connection, currency_id, currency
    from {{ ref('stg_netsuite__currencies') }}
    where is_base_currency and not is_removed
),

rates as (
    select rate.connection, rate.currency_id, rate.exchange_rate, rate.effective_date
    from {{ ref('stg_netsuite__currency_rates') }} as rate
    inner join bases on rate.connection = bases.connection and rate.base_currency_id = bases.currency_id
    where not rate.is_removed
    qualify row_number() over (partition by rate.connection, rate.currency_id, rate.effective_date order by rate.rate_id desc) = 1
)

select
    money.connection,
    money.currency,
    coalesce(rates.exchange_rate, money.exchange_rate) as rate,
    bases.currency as base_currency,
    coalesce(rates.effective_date, cast(money.updated_at as date)) as valid_from
from {{ ref('stg_netsuite__currencies') }} as money
left join bases on money.connection = bases.connection
left join rates on money.connection = rates.connection and money.currency_id = rates.currency_id
where not money.is_removed
