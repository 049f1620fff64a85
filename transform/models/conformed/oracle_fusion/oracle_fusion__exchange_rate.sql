with rates as (
    select connection, from_currency, to_currency, rate_date, min(rate) as rate
    from {{ ref('stg_oracle_fusion__currency_rates') }}
    where not is_removed
    group by connection, from_currency, to_currency, rate_date
)

select connection, from_currency as currency, rate, to_currency as base_currency, rate_date as valid_from
from rates

union all

select
    connection,
    to_currency as currency,
    cast(1 as {{ sql_type('decimal') }}) as rate,
    to_currency as base_currency,
    min(rate_date) as valid_from
from rates
group by connection, to_currency
