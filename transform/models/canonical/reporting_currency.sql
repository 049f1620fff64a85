{%- set told = var('reporting_currency', '') -%}
with ledgers as (
    -- without a setting the ledgers decide, if they all keep their books in one currency
    select case when min(base_currency) = max(base_currency) then min(base_currency) end as base_currency
    from {{ ref('exchange_rate') }}
    where source = 'ledger'
),

chosen as (
    select {{ "'" ~ told ~ "'" if told else 'base_currency' }} as currency from ledgers
)

select
    chosen.currency,
    cast(unit.minor_units as bigint) as minor_units
from chosen
left join ({{ minor_units() }}) as unit on chosen.currency = unit.currency
where chosen.currency is not null
