{#- Which payments belong together, by which rule and how surely. One row a pair of payments, and one for each payment left alone. -#}
{%- set policy = contract()['payment'] -%}
{#- no more columns than the pairing looks at: several steps read these rows, so they are kept -#}
{%- set compared -%}
    payment_key, payment_id, customer_id, status, currency, paid_at, cast(paid_at as date) as paid_on,
    cast({{ policy['tolerance_minor'] }} as bigint) as tolerance_minor, amount_minor as total_minor
{%- endset -%}
with billing as (
    select {{ compared }}
    from {{ ref('payment') }}
    where role = 'billing'
),

billing_ids as (
    select payment_id, count(*) as rivals, min(payment_key) as billing_key from billing group by payment_id
),

ledger as (
    select document.*, billing_ids.rivals, billing_ids.billing_key
    from (select {{ compared }}, billing_payment_id from {{ ref('payment') }} where role = 'erp') as document
    left join billing_ids on document.billing_payment_id = billing_ids.payment_id
),

-- an id that payments of several billing connections bear names none of them without its customer
contested as (
    select
        ledger.payment_key as ledger_key,
        billing.payment_key as billing_key,
        count(*) over (partition by ledger.payment_key, billing.customer_id) as rivals_of_customer,
        ledger.customer_id = billing.customer_id as is_same_customer
    from ledger
    inner join billing on ledger.billing_payment_id = billing.payment_id
    where ledger.rivals > 1
),

decided as (
    select ledger_key, billing_key from contested where is_same_customer and rivals_of_customer = 1
),

by_id as (
    select payment_key as ledger_key, billing_key from ledger where rivals = 1
    union all
    select ledger_key, billing_key from decided
),

-- few are left: what follows is asked of them alone
unnamed_billing as (
    select * from billing where not exists (select 1 from by_id where by_id.billing_key = billing.payment_key)
),

-- money that never came, or came back, is nobody's counterpart
lone_billing as (
    select *
    from unnamed_billing
    where customer_id is not null and total_minor <> 0 and (status is null or status not in ('failed', 'void', 'pending'))
),

lone_ledger as (
    select * from ledger where rivals is null and customer_id is not null and total_minor <> 0 and coalesce(status, '') <> 'void'
),

alike_billing as (
    select
        *,
        row_number() over (partition by customer_id, currency, total_minor, paid_on order by paid_at, payment_key) as place,
        count(*) over (partition by customer_id, currency, total_minor, paid_on) as alike
    from lone_billing
),

alike_ledger as (
    select
        *,
        row_number() over (partition by customer_id, currency, total_minor, paid_on order by paid_at, payment_key) as place,
        count(*) over (partition by customer_id, currency, total_minor, paid_on) as alike
    from lone_ledger
    where billing_payment_id is null
),

by_content as (
    select
        alike_ledger.payment_key as ledger_key,
        alike_billing.payment_key as billing_key,
        case when alike_ledger.alike = 1 and alike_billing.alike = 1 then {{ policy['confidence_content'] }} else {{ policy['confidence_alike'] }} end as confidence
    from alike_ledger
    inner join alike_billing
        on alike_ledger.customer_id = alike_billing.customer_id and alike_ledger.currency = alike_billing.currency
        and alike_ledger.total_minor = alike_billing.total_minor and alike_ledger.paid_on = alike_billing.paid_on
        and alike_ledger.place = alike_billing.place
),

repeated as (
    select lone.payment_key as ledger_key, min(billing.payment_key) as billing_key
    from lone_ledger as lone
    inner join billing
        on lone.customer_id = billing.customer_id and lone.currency = billing.currency
        and lone.total_minor = billing.total_minor and lone.paid_on = billing.paid_on
    inner join by_id on billing.payment_key = by_id.billing_key
    left join by_content on lone.payment_key = by_content.ledger_key
    where by_content.ledger_key is null and lone.billing_payment_id is null
    group by lone.payment_key
),

rest_billing as (
    select lone_billing.*
    from lone_billing
    left join by_content on lone_billing.payment_key = by_content.billing_key
    where by_content.billing_key is null
),

rest_ledger as (
    select lone_ledger.*
    from lone_ledger
    left join by_content on lone_ledger.payment_key = by_content.ledger_key
    left join repeated on lone_ledger.payment_key = repeated.ledger_key
    where by_content.ledger_key is null and repeated.ledger_key is null and lone_ledger.billing_payment_id is null
),

near as (
    select
        billing.payment_key as billing_key,
        ledger.payment_key as ledger_key,
        abs(billing.total_minor - ledger.total_minor) as amount_gap,
        abs({{ days_between('ledger.paid_on', 'billing.paid_on') }}) as day_gap
    from rest_billing as billing
    inner join rest_ledger as ledger on billing.customer_id = ledger.customer_id and billing.currency = ledger.currency
    where abs({{ days_between('ledger.paid_on', 'billing.paid_on') }}) <= {{ policy['date_window_days'] }}
        and abs(billing.total_minor - ledger.total_minor) <= billing.tolerance_minor
),

near_ranked as (
    select
        *,
        rank() over (partition by billing_key order by amount_gap, day_gap) as billing_rank,
        rank() over (partition by ledger_key order by amount_gap, day_gap) as ledger_rank,
        count(*) over (partition by billing_key, amount_gap, day_gap) as billing_ties,
        count(*) over (partition by ledger_key, amount_gap, day_gap) as ledger_ties
    from near
),

by_tolerance as (
    select ledger_key, billing_key
    from near_ranked
    where billing_rank = 1 and ledger_rank = 1 and billing_ties = 1 and ledger_ties = 1
),

near_left as (
    select near.billing_key, near.ledger_key
    from near_ranked as near
    left join by_tolerance as of_billing on near.billing_key = of_billing.billing_key
    left join by_tolerance as of_ledger on near.ledger_key = of_ledger.ledger_key
    where of_billing.billing_key is null and of_ledger.ledger_key is null
),

{{ subset_groups(
    ['billing', 'ledger'],
    {'billing': 'rest_billing', 'ledger': 'rest_ledger'},
    'payment_key', 'paid_on', ['by_tolerance', 'near_left'], policy
) }}

group_pairs as (
    select
        case when side = 'ledger' then target_key else member_key end as ledger_key,
        case when side = 'ledger' then member_key else target_key end as billing_key,
        target_key as group_key,
        case when side = 'ledger' then 'n:1' else '1:n' end as cardinality,
        member
    from group_members
),

links as (
    select ledger_key, billing_key, 1 as pass, 'id' as method from by_id
    union all
    select ledger_key, billing_key, 4 as pass, 'repeats' as method from repeated
),

several as (
    select billing_key from links group by billing_key having count(*) > 1
),

several_links as (
    select
        links.*,
        booked.total_minor,
        received.total_minor as paid_minor,
        coalesce(booked.status, '') = 'void' as is_void,
        booked.currency = received.currency as is_same_currency,
        row_number() over (
            partition by links.billing_key
            order by case when booked.status = 'void' then 1 else 0 end, links.pass, booked.paid_at, length(booked.payment_id), booked.payment_id, booked.payment_key
        ) as place
    from links
    inner join several on links.billing_key = several.billing_key
    inner join ledger as booked on links.ledger_key = booked.payment_key
    inner join billing as received on links.billing_key = received.payment_key
),

parts as (
    select billing_key
    from several_links
    where not is_void
    group by billing_key
    having count(*) > 1 and min(case when is_same_currency and pass = 1 and total_minor > 0 then 1 else 0 end) = 1
        and max(total_minor) < max(paid_minor)
        and (sum(total_minor) = max(paid_minor) or (sum(total_minor) < max(paid_minor) and count(distinct total_minor) = count(*)))
),

paired as (
    select
        links.billing_key, links.ledger_key, links.method,
        case links.method when 'id' then {{ policy['confidence_id'] }} else {{ policy['confidence_repeats'] }} end as confidence,
        cast(null as {{ sql_type('string') }}) as group_key, '1:1' as cardinality, 1 as member, 1 as place
    from links
    left join several on links.billing_key = several.billing_key
    where several.billing_key is null

    union all

    select
        several.billing_key, several.ledger_key, several.method,
        case several.method when 'id' then {{ policy['confidence_id'] }} else {{ policy['confidence_repeats'] }} end,
        case when parts.billing_key is not null and not several.is_void then several.billing_key end,
        case when parts.billing_key is not null and not several.is_void then '1:n' else '1:1' end,
        case when parts.billing_key is not null and not several.is_void then several.place else 1 end,
        case when parts.billing_key is not null and not several.is_void then 1 else several.place end
    from several_links as several
    left join parts on several.billing_key = parts.billing_key

    union all

    select billing_key, ledger_key, 'customer, amount, date', confidence, null, '1:1', 1, 1 from by_content

    union all

    select billing_key, ledger_key, 'customer, amount, date within window', {{ policy['confidence_tolerance'] }}, null, '1:1', 1, 1 from by_tolerance

    union all

    select billing_key, ledger_key, 'customer, sum', {{ policy['confidence_sum'] }}, group_key, cardinality, member, 1 from group_pairs
),

open_questions as (
    select billing_key as document_key, 'ambiguous' as reason from near_left
    union all
    select ledger_key, 'ambiguous' from near_left
    union all
    select contested.ledger_key, 'ambiguous' from contested left join decided on contested.ledger_key = decided.ledger_key where decided.ledger_key is null
    union all
    select contested.billing_key, 'ambiguous' from contested left join decided on contested.ledger_key = decided.ledger_key where decided.ledger_key is null
    union all
    select document_key, 'ambiguous' from group_ambiguous
    union all
    select document_key, 'search bound' from group_bounded
),

reasons as (
    select document_key, min(reason) as reason from open_questions group by document_key
)

select
    billing_key, ledger_key, method, cast(confidence as decimal(5, 4)) as confidence, group_key, cardinality,
    cast(member as bigint) as member, cast(place as bigint) as place, cast(null as {{ sql_type('string') }}) as reason
from paired

union all

select unnamed_billing.payment_key, null, null, null, null, null, 1, 1, reasons.reason
from unnamed_billing
left join reasons on unnamed_billing.payment_key = reasons.document_key
where not exists (select 1 from paired where paired.billing_key = unnamed_billing.payment_key)

union all

select null, ledger.payment_key, null, null, null, null, 1, 1, reasons.reason
from ledger
left join reasons on ledger.payment_key = reasons.document_key
where (ledger.rivals is null or ledger.rivals > 1) and not exists (select 1 from paired where paired.ledger_key = ledger.payment_key)
