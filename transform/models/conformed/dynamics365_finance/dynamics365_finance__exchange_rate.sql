-- the base is the currency that the ledgers report in
with bases as (
    select connection, min(coalesce(nullif(reporting_currency, ''), accounting_currency)) as base_currency, min(exchange_rate_type) as rate_type
    from {{ ref('stg_dynamics365_finance__ledgers') }}
    where not is_removed
    group by connection
),

rates as (
    select
        rate.connection,
        rate.from_currency as currency,
        rate.rate / case rate.conversion_factor
            when 'Ten' then 10 when 'Hundred' then 100 when 'Thousand' then 1000 when 'TenThousand' then 10000 else 1
        end as rate,
        rate.to_currency as base_currency,
        rate.valid_from
    from {{ ref('stg_dynamics365_finance__exchange_rates') }} as rate
    inner join bases
        on rate.connection = bases.connection and rate.to_currency = bases.base_currency and rate.rate_type = bases.rate_type
    where not rate.is_removed
)

select connection, currency, cast(rate as {{ sql_type('decimal') }}) as rate, base_currency, valid_from
from rates

union all

select connection, base_currency as currency, cast(1 as {{ sql_type('decimal') }}) as rate, base_currency, cast(null as {{ sql_type('date') }}) as valid_from
from bases
