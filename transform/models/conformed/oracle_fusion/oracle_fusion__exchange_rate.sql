with newest as (
    select connection, from_currency, to_currency, max(rate_date) as rate_date
    from {{ ref('stg_oracle_fusion__currency_rates') }}
    where not is_removed
    group by connection, from_currency, to_currency
)

select
    rate.connection,
    rate.from_currency as currency,
    min(rate.rate) as rate,
    rate.to_currency as base_currency,
    rate.rate_date as valid_from
from {{ ref('stg_oracle_fusion__currency_rates') }} as rate
inner join newest
    on rate.connection = newest.connection and rate.from_currency = newest.from_currency
    and rate.to_currency = newest.to_currency and rate.rate_date = newest.rate_date
where not rate.is_removed
group by rate.connection, rate.from_currency, rate.to_currency, rate.rate_date

union all

select
    connection,
    to_currency as currency,
    cast(1 as {{ sql_type('decimal') }}) as rate,
    to_currency as base_currency,
    max(rate_date) as valid_from
from newest
group by connection, to_currency
