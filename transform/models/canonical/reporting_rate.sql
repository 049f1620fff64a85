-- the reporting currency's value of each currency on each day: as quoted, turned round, or over a currency that both are quoted in
{%- set ever = "cast('2000-01-01' as date)" %}
with quoted as (
    select
        currency,
        base_currency,
        rate,
        coalesce(valid_from, {{ ever }}) as valid_from,
        -- the newest rate holds on, for documents that are dated ahead too. To the end of a year, not so many days from now: else every document
        -- would be read again whenever the clock moves (transform.build sees to a new year)
        coalesce({{ dbt.dateadd('day', -1, 'valid_to') }}, (select make_date(extract(year from max(completed_at)) + 2, 12, 31) from {{ ref('stg_loads') }})) as last_day,
        -- the own table wins where it tells a pair, whichever way round
        case source when 'installation' then 0 else 2 end as place,
        connection
    from {{ ref('exchange_rate') }}
    where currency <> base_currency
),

by_day as (
    select currency, base_currency, rate, place, connection, {{ days_from('valid_from', 'last_day') }} as moment
    from quoted
    where valid_from <= last_day
),

told as (
    select currency, base_currency, cast(moment as date) as rate_date, rate, place, connection from by_day
    union all
    select base_currency as currency, currency as base_currency, cast(moment as date) as rate_date, cast(1 / rate as decimal(18, 12)) as rate,
        place + 1 as place, connection
    from by_day
    where rate > 0.000001
),

best as (
    select *
    from told
    qualify row_number() over (partition by currency, base_currency, rate_date order by place, connection nulls first) = 1
),

reached as (
    select
        best.currency, best.rate_date, best.rate, best.place,
        case when best.place in (0, 2) then 'quoted' else 'inverted' end as method, best.connection
    from best
    inner join {{ ref('reporting_currency') }} as reporting on best.base_currency = reporting.currency

    union all

    select
        outward.currency,
        outward.rate_date,
        cast(outward.rate * homeward.rate as decimal(18, 12)) as rate,
        4 + greatest(outward.place, homeward.place) as place,
        'over ' || outward.base_currency as method,
        coalesce(outward.connection, homeward.connection) as connection
    from best as outward
    inner join best as homeward on outward.base_currency = homeward.currency and outward.rate_date = homeward.rate_date
    inner join {{ ref('reporting_currency') }} as reporting on homeward.base_currency = reporting.currency and outward.currency <> reporting.currency
)

select
    currency || ':' || cast(rate_date as {{ sql_type('string') }}) as reporting_rate_key,
    currency,
    rate_date,
    rate,
    method,
    connection
from reached
qualify row_number() over (partition by currency, rate_date order by place, method, connection nulls first) = 1
