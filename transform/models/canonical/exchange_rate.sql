-- rates from a million on are left out: quote such a pair the other way round
with ledger as (
    {{ conformed('exchange_rate') }}
),

own as (
    {{ own_rates() }}
),

quoted as (
    select connection, 'ledger' as source, upper(currency) as currency, upper(base_currency) as base_currency,
        cast(rate as decimal(18, 12)) as rate, valid_from, cast(null as date) as valid_to
    from ledger
    where rate > 0 and rate < 1000000 and currency is not null and base_currency is not null

    union all

    select cast(null as {{ sql_type('string') }}) as connection, 'installation' as source, upper(currency) as currency,
        upper(base_currency) as base_currency, cast(rate as decimal(18, 12)) as rate, valid_from, valid_to
    from own
),

dated as (
    select
        *,
        lead(valid_from) over (partition by connection, source, currency, base_currency order by valid_from nulls first) as followed_at
    from quoted
    -- two rates of one day: the lower, so that a rebuild chooses the same
    qualify row_number() over (partition by connection, source, currency, base_currency, valid_from order by rate) = 1
)

select
    concat_ws(':', coalesce(connection, source), currency, base_currency, coalesce(cast(valid_from as {{ sql_type('string') }}), 'ever')) as exchange_rate_key,
    connection,
    source,
    currency,
    base_currency,
    rate,
    valid_from,
    case when valid_to is null or followed_at < valid_to then followed_at else valid_to end as valid_to
from dated
