{#- Which documents belong together, by which rule and how surely. One row a pair of documents, and one for each document left alone. -#}
{%- set policy = contract()['invoice'] -%}
{%- set billing_connections = [] -%}
{%- for name, role in var('roles', {}).items() if role == 'billing' %}{% do billing_connections.append(name) %}{% endfor -%}
{#- read where they are needed, not kept aside: each place takes a few columns of millions of rows -#}
{%- set billing -%} (select * from {{ ref('invoice') }} where role = 'billing') {%- endset -%}
{%- set ledger -%} (select * from {{ ref('invoice') }} where role = 'erp') {%- endset -%}
{%- set links -%}
(select ledger_key, billing_key, 1 as pass, 'id' as method from by_id where ledger_key is not null and billing_key is not null
    union all select ledger_key, billing_key, pass, method from late_links)
{%- endset -%}
{#- a pair by id that says the same on both sides is settled in the join that finds it; all else is for invoice_difference -#}
{%- set settled -%}
case
        when billing.customer_id is not null and billing.currency = ledger.currency and billing.total_amount = ledger.total_amount
            and coalesce(billing.tax_amount = ledger.tax_amount, true)
            and case billing.status
                {%- for status, allowed in policy['allowed_pairs'].items() if status not in ('draft', 'void') %}
                when '{{ status }}' then ledger.status in ({{ quoted(allowed | reject('equalto', 'void') | list) }})
                {%- endfor %}
            end
            then case {{ is_older('coalesce(billing.status_changed_at, ledger.created_at)', policy['grace_seconds']) }}
                when true then 'matched' when false then 'timing' end
    end as class
{%- endset -%}
with {% if billing_connections | length > 1 -%}
-- two installations of a vendor may number their invoices alike: such an id names an invoice only together with its customer
repeated_ids as (
    select invoice_id from {{ billing }} as billing group by invoice_id having count(*) > 1
),

told_apart as (
    select billing.invoice_id, billing.customer_id, min(billing.invoice_key) as invoice_key
    from {{ billing }} as billing
    inner join repeated_ids on billing.invoice_id = repeated_ids.invoice_id
    where billing.customer_id is not null
    group by billing.invoice_id, billing.customer_id
    having count(*) = 1
),

by_id as (
    select ledger.invoice_key as ledger_key, billing.invoice_key as billing_key, {{ settled }}
    from {{ billing }} as billing
    left join repeated_ids on billing.invoice_id = repeated_ids.invoice_id
    left join told_apart on billing.invoice_key = told_apart.invoice_key
    full outer join {{ ledger }} as ledger
        on ledger.billing_invoice_id = billing.invoice_id
            and (repeated_ids.invoice_id is null or (told_apart.invoice_key is not null and told_apart.customer_id = ledger.customer_id))
),
{%- else -%}
by_id as (
    select ledger.invoice_key as ledger_key, billing.invoice_key as billing_key, {{ settled }}
    from {{ billing }} as billing
    full outer join {{ ledger }} as ledger on ledger.billing_invoice_id = billing.invoice_id
),
{%- endif %}

-- from here on only what names no invoice by its id, and what is not named so
unnamed as (
    select ledger.*
    from {{ ledger }} as ledger
    inner join by_id on ledger.invoice_key = by_id.ledger_key
    where by_id.billing_key is null
),

numbered as (
    select
        unnamed.invoice_key as ledger_key,
        billing.invoice_key as billing_key,
        case when unnamed.customer_id = billing.customer_id then 0 else 1 end as is_strange,
        case when unnamed.total_minor = billing.total_minor and unnamed.currency = billing.currency then 0 else 1 end as is_other_amount
    from unnamed
    inner join {{ billing }} as billing on unnamed.billing_number = billing.number
),

-- a number that several invoices bear: the customer's own, then the one of the same amount
numbered_first as (
    select ledger_key, billing_key, count(*) over (partition by ledger_key, is_strange, is_other_amount) as rivals
    from numbered
    qualify rank() over (partition by ledger_key order by is_strange, is_other_amount) = 1
),

by_number as (
    select ledger_key, billing_key from numbered_first where rivals = 1
),

unclear_numbers as (
    select ledger_key, billing_key from numbered_first where rivals > 1
),

-- one booking that names several invoices
listed as (
    select unnamed.invoice_key as ledger_key, trim(split_part(regexp_replace(unnamed.billing_number, '[;+&]', ',', {{ all_matches() }}), ',', place.number)) as number
    from unnamed
    cross join (
        {%- for number in range(1, policy['list_size'] | int + 1) %}
        select {{ number }} as number{{ ' union all' if not loop.last }}
        {%- endfor %}
    ) as place
    left join numbered on unnamed.invoice_key = numbered.ledger_key
    where numbered.ledger_key is null
        and (unnamed.billing_number like '%,%' or unnamed.billing_number like '%;%' or unnamed.billing_number like '%+%'
            or unnamed.billing_number like '%&%')
),

by_list as (
    select distinct listed.ledger_key, billing.invoice_key as billing_key
    from listed
    inner join {{ billing }} as billing on listed.number = billing.number
    inner join unnamed on listed.ledger_key = unnamed.invoice_key
    where listed.number <> '' and (billing.customer_id = unnamed.customer_id or billing.customer_id is null or unnamed.customer_id is null)
),

referred_late as (
    select ledger_key, billing_key, 2 as pass, 'number' as method from by_number
    union all
    select ledger_key, billing_key, 2 as pass, 'list of numbers' as method from by_list
),

lone_billing as (
    select
        billing.*,
        {{ tolerance_minor('billing.line_count', 'billing.total_minor', policy) }} as tolerance_minor
    from {{ billing }} as billing
    inner join by_id on billing.invoice_key = by_id.billing_key
    left join referred_late on billing.invoice_key = referred_late.billing_key
    where by_id.ledger_key is null and referred_late.billing_key is null and billing.customer_id is not null and coalesce(billing.status, '') <> 'draft'
),

lone_ledger as (
    select
        unnamed.*,
        {{ tolerance_minor('unnamed.line_count', 'unnamed.total_minor', policy) }} as tolerance_minor
    from unnamed
    left join referred_late on unnamed.invoice_key = referred_late.ledger_key
    left join unclear_numbers on unnamed.invoice_key = unclear_numbers.ledger_key
    where referred_late.ledger_key is null and unclear_numbers.ledger_key is null and unnamed.customer_id is not null
),

-- documents that name nothing: same customer, currency, amount and day, first with first; several of the same are interchangeable, but what is
-- void comes last: the one that took its place is meant
alike_billing as (
    select
        invoice_key, customer_id, currency, total_minor, invoice_date,
        row_number() over (
            partition by customer_id, currency, total_minor, invoice_date
            order by case when status in ('void', 'rejected') then 1 else 0 end, created_at, invoice_key
        ) as place,
        count(*) over (partition by customer_id, currency, total_minor, invoice_date) as alike
    from lone_billing
),

alike_ledger as (
    select
        invoice_key, customer_id, currency, total_minor, invoice_date,
        row_number() over (
            partition by customer_id, currency, total_minor, invoice_date
            order by case when status in ('void', 'rejected') then 1 else 0 end, created_at, invoice_key
        ) as place,
        count(*) over (partition by customer_id, currency, total_minor, invoice_date) as alike
    from lone_ledger
),

by_content as (
    select
        alike_ledger.invoice_key as ledger_key,
        alike_billing.invoice_key as billing_key,
        case when alike_ledger.alike = 1 and alike_billing.alike = 1 then {{ policy['confidence_content'] }} else {{ policy['confidence_alike'] }} end as confidence
    from alike_ledger
    inner join alike_billing
        on alike_ledger.customer_id = alike_billing.customer_id and alike_ledger.currency = alike_billing.currency
        and alike_ledger.total_minor = alike_billing.total_minor and alike_ledger.invoice_date = alike_billing.invoice_date
        and alike_ledger.place = alike_billing.place
),

-- a document that names nothing and repeats one that is already paired
repeated as (
    select lone.invoice_key as ledger_key, min(billing.invoice_key) as billing_key
    from lone_ledger as lone
    inner join {{ billing }} as billing
        on lone.customer_id = billing.customer_id and lone.currency = billing.currency
        and lone.total_minor = billing.total_minor and lone.invoice_date = billing.invoice_date
    left join by_id on billing.invoice_key = by_id.billing_key and by_id.ledger_key is not null
    left join referred_late on billing.invoice_key = referred_late.billing_key
    left join by_content on lone.invoice_key = by_content.ledger_key
    where by_content.ledger_key is null and lone.billing_invoice_id is null and lone.billing_number is null
        and (by_id.billing_key is not null or referred_late.billing_key is not null)
    group by lone.invoice_key
),

-- the rest is searched; a document that names an invoice by an id that billing does not have is no other invoice's booking
rest_billing as (
    select lone_billing.*
    from lone_billing
    left join by_content on lone_billing.invoice_key = by_content.billing_key
    where by_content.billing_key is null and coalesce(lone_billing.status, '') <> 'void' and lone_billing.total_minor <> 0
),

rest_ledger as (
    select lone_ledger.*
    from lone_ledger
    left join by_content on lone_ledger.invoice_key = by_content.ledger_key
    left join repeated on lone_ledger.invoice_key = repeated.ledger_key
    where by_content.ledger_key is null and repeated.ledger_key is null and lone_ledger.billing_invoice_id is null
        and coalesce(lone_ledger.status, '') not in ('void', 'rejected') and lone_ledger.total_minor <> 0
),

credits as (
    {{ credited_invoices() }}
),

-- within the tolerance and the window of days; the amount may be net of what has been credited
near as (
    select
        billing.invoice_key as billing_key,
        ledger.invoice_key as ledger_key,
        case when billing.erp_order_id = ledger.erp_order_id then 0 else 1 end as is_other_order,
        least(abs(billing.total_minor - ledger.total_minor), abs(billing.total_minor - coalesce(credits.credited_minor, 0) - ledger.total_minor)) as amount_gap,
        abs({{ days_between('ledger.invoice_date', 'billing.invoice_date') }}) as day_gap
    from rest_billing as billing
    left join credits on billing.connection = credits.connection and billing.invoice_id = credits.billing_invoice_id
    inner join rest_ledger as ledger on billing.customer_id = ledger.customer_id and billing.currency = ledger.currency
    where abs({{ days_between('ledger.invoice_date', 'billing.invoice_date') }}) <= {{ policy['date_window_days'] }}
        and least(abs(billing.total_minor - ledger.total_minor), abs(billing.total_minor - coalesce(credits.credited_minor, 0) - ledger.total_minor))
            <= billing.tolerance_minor
),

near_ranked as (
    select
        *,
        rank() over (partition by billing_key order by is_other_order, amount_gap, day_gap) as billing_rank,
        rank() over (partition by ledger_key order by is_other_order, amount_gap, day_gap) as ledger_rank,
        count(*) over (partition by billing_key, is_other_order, amount_gap, day_gap) as billing_ties,
        count(*) over (partition by ledger_key, is_other_order, amount_gap, day_gap) as ledger_ties
    from near
),

-- each is the other's one best
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

-- groups: one document of either side that several of the other add up to
{{ subset_groups(
    ['billing', 'ledger'],
    {'billing': 'rest_billing', 'ledger': 'rest_ledger'},
    'invoice_key', 'invoice_date', ['by_tolerance', 'near_left'], policy
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

-- several bookings of one invoice: parts of it, or the same one again
late_links as (
    select ledger_key, billing_key, pass, method from referred_late
    union all
    select ledger_key, billing_key, 4 as pass, 'repeats' as method from repeated
),

several as (
    select billing_key from {{ links }} as links group by billing_key having count(*) > 1
),

several_links as (
    select
        links.*,
        booked.status as ledger_status,
        booked.total_minor,
        invoice.total_minor as invoice_minor,
        coalesce(booked.status, '') in ('void', 'rejected') as is_void,
        booked.currency = invoice.currency as is_same_currency,
        {{ tolerance_minor('invoice.line_count', 'invoice.total_minor', policy) }} as tolerance_minor,
        row_number() over (
            partition by links.billing_key
            order by case when booked.status in ('void', 'rejected') then 1 else 0 end, links.pass, booked.created_at, length(booked.invoice_id), booked.invoice_id, booked.invoice_key
        ) as place
    from {{ links }} as links
    inner join several on links.billing_key = several.billing_key
    inner join {{ ledger }} as booked on links.ledger_key = booked.invoice_key
    inner join {{ billing }} as invoice on links.billing_key = invoice.invoice_key
),

parts as (
    select billing_key
    from several_links
    where not is_void
    group by billing_key
    having count(*) > 1 and min(case when is_same_currency and pass <= 2 and method <> 'list of numbers' and total_minor > 0 then 1 else 0 end) = 1
        and max(total_minor) < max(invoice_minor - tolerance_minor)
        and (
            abs(sum(total_minor) - max(invoice_minor)) <= max(tolerance_minor)
            or (sum(total_minor) <= max(invoice_minor) and count(distinct total_minor) = count(*))
        )
),

listed_groups as (
    select ledger_key from by_list group by ledger_key having count(*) > 1
),

-- all but the plain mass of documents that name each other by id
pairs as (
    select
        links.billing_key, links.ledger_key, links.method, links.pass,
        cast(null as {{ sql_type('string') }}) as group_key,
        '1:1' as cardinality,
        1 as member,
        1 as place
    from late_links as links
    left join several on links.billing_key = several.billing_key
    left join listed_groups on links.ledger_key = listed_groups.ledger_key
    where several.billing_key is null and listed_groups.ledger_key is null

    union all

    select
        links.billing_key, links.ledger_key, links.method, links.pass, links.ledger_key as group_key, 'n:1' as cardinality,
        cast(row_number() over (partition by links.ledger_key order by links.billing_key) as integer) as member,
        1 as place
    from late_links as links
    inner join listed_groups on links.ledger_key = listed_groups.ledger_key
    left join several on links.billing_key = several.billing_key
    where several.billing_key is null

    union all

    select
        several.billing_key, several.ledger_key, several.method, several.pass,
        case when parts.billing_key is not null and not several.is_void then several.billing_key end as group_key,
        case when parts.billing_key is not null and not several.is_void then '1:n' else '1:1' end as cardinality,
        cast(case when parts.billing_key is not null and not several.is_void then several.place else 1 end as integer) as member,
        cast(case when parts.billing_key is not null and not several.is_void then 1 else several.place end as integer) as place
    from several_links as several
    left join parts on several.billing_key = parts.billing_key
),

paired_late as (
    select
        billing_key, ledger_key, method,
        case method when 'id' then {{ policy['confidence_id'] }} when 'repeats' then {{ policy['confidence_repeats'] }} else {{ policy['confidence_number'] }} end as confidence,
        group_key, cardinality, member, place, cast(null as {{ sql_type('string') }}) as reason
    from pairs
    union all
    select billing_key, ledger_key, 'customer, amount, date', confidence, null, '1:1', 1, 1, null from by_content
    union all
    select billing_key, ledger_key, 'customer, amount within tolerance, date within window', {{ policy['confidence_tolerance'] }}, null, '1:1', 1, 1, null from by_tolerance
    union all
    select billing_key, ledger_key, 'customer, sum', {{ policy['confidence_sum'] }}, group_key, cardinality, member, 1, null from group_pairs
),

-- why a document that was searched for stayed alone; every other reason follows from the document itself
open_questions as (
    select billing_key as document_key, 'ambiguous' as reason from near_left
    union all
    select ledger_key, 'ambiguous' from near_left
    union all
    select billing_key, 'ambiguous' from unclear_numbers
    union all
    select ledger_key, 'ambiguous' from unclear_numbers
    union all
    select document_key, 'ambiguous' from group_ambiguous
    union all
    select document_key, 'search bound' from group_bounded
),

reasons as (
    select document_key, min(reason) as reason from open_questions group by document_key
),

late_billing as (
    select distinct billing_key from paired_late
),

late_ledger as (
    select distinct ledger_key from paired_late
),

alone as (
    select by_id.billing_key, by_id.ledger_key, reasons.reason
    from by_id
    left join late_billing on by_id.billing_key = late_billing.billing_key
    left join late_ledger on by_id.ledger_key = late_ledger.ledger_key
    left join reasons on coalesce(by_id.billing_key, by_id.ledger_key) = reasons.document_key
    where (by_id.billing_key is null or by_id.ledger_key is null) and late_billing.billing_key is null and late_ledger.ledger_key is null
)

select
    by_id.billing_key, by_id.ledger_key, 'id' as method, cast({{ policy['confidence_id'] }} as decimal(5, 4)) as confidence,
    cast(null as {{ sql_type('string') }}) as group_key, '1:1' as cardinality, 1 as member, 1 as place, cast(null as {{ sql_type('string') }}) as reason,
    by_id.class
from by_id
left join several on by_id.billing_key = several.billing_key
where by_id.billing_key is not null and by_id.ledger_key is not null and several.billing_key is null

union all

select billing_key, ledger_key, method, cast(confidence as decimal(5, 4)), group_key, cardinality, member, place, reason, null
from paired_late

union all

select billing_key, ledger_key, null, null, null, null, 1, 1, reason, null
from alone
