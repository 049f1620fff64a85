{%- set depth = contract()['shipment_line']['reference_depth'] | int -%}
-- a line that shares another's freight names the line that carries it; that one may name a third
with hops_0 as (
    select
        line.shipment_line_key,
        line.shipment_line_key as at_line_key,
        line.freight_terms,
        line.freight_terms_raw,
        line.freight_amount,
        line.carrier_line_key,
        line.carrier_shipment_number,
        cast(null as {{ sql_type('string') }}) as problem
    from {{ ref('shipment_line') }} as line
),

{% for hop in range(1, depth + 1) -%}
hops_{{ hop }} as (
    select
        hop.shipment_line_key,
        coalesce(named.shipment_line_key, hop.at_line_key) as at_line_key,
        coalesce(named.freight_terms, hop.freight_terms) as freight_terms,
        coalesce(named.freight_terms_raw, hop.freight_terms_raw) as freight_terms_raw,
        case when named.shipment_line_key is not null then named.freight_amount else hop.freight_amount end as freight_amount,
        case when named.shipment_line_key is not null then named.carrier_line_key else hop.carrier_line_key end as carrier_line_key,
        case when named.shipment_line_key is not null then named.carrier_shipment_number else hop.carrier_shipment_number end
            as carrier_shipment_number,
        case
            when hop.freight_terms is distinct from 'shared' or hop.problem is not null then hop.problem
            when hop.carrier_line_key is null then 'names_no_line'
            when line.shipment_line_key is null then 'line_not_found'
            when line.shipment_line_key = hop.shipment_line_key then 'names_itself'
            when line.shipment_number is distinct from coalesce(hop.carrier_shipment_number, line.shipment_number) then 'another_shipment'
            when line.freight_terms is null then 'carrier_tells_nothing'
        end as problem
    from hops_{{ hop - 1 }} as hop
    left join {{ ref('shipment_line') }} as line
        on hop.freight_terms = 'shared' and hop.problem is null and hop.carrier_line_key = line.shipment_line_key
    left join {{ ref('shipment_line') }} as named
        on line.shipment_line_key = named.shipment_line_key and named.shipment_line_key <> hop.shipment_line_key and named.freight_terms is not null
            and named.shipment_number is not distinct from coalesce(hop.carrier_shipment_number, named.shipment_number)
),

{% endfor -%}
resolved as (
    select
        line.*,
        hop.at_line_key,
        case
            when line.freight_terms is null then 'not_told'
            when hop.problem is not null or hop.freight_terms = 'shared' then 'unresolved'
            when hop.freight_terms = 'carried' and hop.freight_amount is null then 'unresolved'
            when hop.freight_terms = 'carried' and line.freight_terms = 'shared' then 'shared'
            else hop.freight_terms
        end as class,
        case
            when line.freight_terms is null then null
            when hop.problem is not null then hop.problem
            when hop.freight_terms = 'shared' then 'chain_too_long'
            when hop.freight_terms = 'carried' and hop.freight_amount is null then 'carrier_without_cost'
            when line.freight_terms = 'shared' and hop.freight_terms <> 'carried' then 'terms_of_the_carrier'
        end as reason
    from hops_{{ depth }} as hop
    inner join {{ ref('shipment_line') }} as line on hop.shipment_line_key = line.shipment_line_key
),

-- the lines that share one cost
members as (
    select
        line.shipment_line_key,
        line.at_line_key,
        line.weight_kg,
        line.amount,
        carrier.freight_amount as cost,
        carrier.minor_units
    from resolved as line
    inner join {{ ref('shipment_line') }} as carrier on line.at_line_key = carrier.shipment_line_key
    where line.class in ('carried', 'shared')
),

rules as (
    select
        at_line_key,
        count(*) as line_count,
        case
            when count(*) = 1 then 'alone'
            when count(weight_kg) = count(*) and min(weight_kg) >= 0 and sum(weight_kg) > 0 then 'weight'
            when count(amount) = count(*) and min(amount) >= 0 and sum(amount) > 0 then 'value'
            else 'equal'
        end as rule
    from members
    group by at_line_key
),

based as (
    select
        member.*,
        rule.line_count,
        rule.rule,
        cast(case rule.rule when 'weight' then member.weight_kg when 'value' then member.amount else 1 end as {{ sql_type('decimal') }}) as basis
    from members as member
    inner join rules as rule on member.at_line_key = rule.at_line_key
),

running as (
    select
        *,
        sum(basis) over (partition by at_line_key) as whole,
        sum(basis) over (partition by at_line_key order by shipment_line_key rows between unbounded preceding and current row) as so_far
    from based
),

-- the running sum is rounded to the currency's smallest coin, not each part: so the parts add up to the cost
allocated as (
    select
        *,
        {{ rounded_to_coin('cost * (so_far / whole)', 'minor_units') }}
            - {{ rounded_to_coin('cost * ((so_far - basis) / whole)', 'minor_units') }} as allocated_amount
    from running
)

select
    line.shipment_line_key,
    line.shipment_key,
    line.order_key,
    line.connection,
    line.shipment_line_id,
    line.class,
    line.reason,
    line.freight_terms,
    line.freight_terms_raw,
    case when line.class <> 'unresolved' then line.at_line_key end as carrier_line_key,
    case when line.freight_terms = 'shared' then 'named_line' else 'own_line' end as method,
    cast(case when line.class in ('unresolved', 'not_told') then null else 1 end as decimal(5, 4)) as confidence,
    part.rule as allocation_rule,
    part.line_count as sharing_line_count,
    line.currency,
    line.amount,
    line.weight_kg,
    {{ money('case when line.class = \'carried\' then line.freight_amount end') }} as carried_amount,
    {{ money('part.allocated_amount') }} as allocated_amount,
    {{ money('line.amount + coalesce(part.allocated_amount, 0)') }} as landed_amount,
    'order:' || line.connection || ':' || line.order_id as correlation_id
from resolved as line
left join allocated as part on line.shipment_line_key = part.shipment_line_key
