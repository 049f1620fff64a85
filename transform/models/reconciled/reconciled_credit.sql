{%- set policy = contract()['credit_note'] -%}
with units as (
    {{ minor_units() }}
),

documents as (
    select
        'credit_note' as kind, credit_note_key as document_key, connection, role, credit_note_id as document_id,
        billing_credit_note_id as billing_document_id, number, customer_id, billing_invoice_id, status, currency, total_amount as amount,
        issued_at as made_at, coalesce(status in ('void', 'draft'), false) as is_dead, company_id
    from {{ ref('credit_note') }}
    union all
    select
        'refund' as kind, refund_key as document_key, connection, role, refund_id as document_id,
        billing_refund_id as billing_document_id, cast(null as {{ sql_type('string') }}) as number, customer_id,
        cast(null as {{ sql_type('string') }}) as billing_invoice_id, status, currency, amount,
        refunded_at as made_at, coalesce(status in ('void', 'failed', 'canceled', 'pending', 'requires_action'), false) as is_dead, company_id
    from {{ ref('refund') }}
),

billing as (
    select * from documents where role = 'billing'
),

ledger as (
    select * from documents where role = 'erp'
),

by_id as (
    select ledger.document_key as ledger_key, billing.document_key as billing_key, 1 as pass, 'id' as method
    from ledger
    inner join billing on ledger.billing_document_id = billing.document_id and ledger.kind = billing.kind and {{ same_customer('ledger', 'billing') }}
),

by_number as (
    select ledger.document_key as ledger_key, billing.document_key as billing_key, 2 as pass, 'number' as method
    from ledger
    inner join billing on ledger.number = billing.number and ledger.kind = billing.kind and ledger.customer_id = billing.customer_id
    left join by_id on ledger.document_key = by_id.ledger_key
    where by_id.ledger_key is null
),

referred as (
    select * from by_id
    union all
    select * from by_number
),

lone_billing as (
    select billing.*
    from billing
    left join referred on billing.document_key = referred.billing_key
    where referred.billing_key is null and billing.customer_id is not null and not billing.is_dead
),

-- a document that names one which billing does not have is not free to be paired with another
lone_ledger as (
    select ledger.*
    from ledger
    left join referred on ledger.document_key = referred.ledger_key
    where referred.ledger_key is null and ledger.customer_id is not null and ledger.billing_document_id is null and not ledger.is_dead
),

-- documents that name nothing: same customer, kind and currency, an amount within the tolerance, the nearest day
candidates as (
    select
        lone_ledger.document_key as ledger_key,
        lone_billing.document_key as billing_key,
        count(*) over (partition by lone_ledger.document_key) as ledger_candidates,
        count(*) over (partition by lone_billing.document_key) as billing_candidates,
        abs({{ age_seconds('lone_ledger.made_at', 'lone_billing.made_at') }}) as gap,
        lone_ledger.made_at as booked_at,
        lone_billing.made_at as billed_at
    from lone_ledger
    inner join lone_billing
        on lone_ledger.customer_id = lone_billing.customer_id and lone_ledger.kind = lone_billing.kind and lone_ledger.currency = lone_billing.currency
    left join units on lone_billing.currency = units.currency
    where abs({{ days_between('lone_ledger.made_at', 'lone_billing.made_at') }}) <= {{ policy['window_days'] }}
        and abs(lone_ledger.amount - lone_billing.amount)
            <= {{ allowed_difference('lone_billing.amount', 'units.minor_size', policy['tolerance_minor'], policy['tolerance_share']) }}
),

{{ nearest_pairs('nearest', 'candidates', 'ledger_key', 'billing_key', 'gap, billed_at, candidate.billing_key', 'gap, booked_at, candidate.ledger_key') }}

by_content as (
    select
        nearest.ledger_key, nearest.billing_key, 3 as pass, 'customer, amount, date' as method,
        case when candidates.ledger_candidates = 1 and candidates.billing_candidates = 1
            then {{ policy['confidence_content'] }} else {{ policy['confidence_ambiguous'] }} end as confidence
    from nearest
    inner join candidates on nearest.ledger_key = candidates.ledger_key and nearest.billing_key = candidates.billing_key
),

-- one credit in billing booked as two that name nothing: exactly its sum, both within the window; the first such pair
halves as (
    select first.document_key as first_key, second.document_key as second_key, whole.document_key as billing_key
    from lone_billing as whole
    inner join lone_ledger as first
        on whole.customer_id = first.customer_id and whole.kind = first.kind and whole.currency = first.currency and first.amount < whole.amount
    inner join lone_ledger as second
        on first.customer_id = second.customer_id and first.kind = second.kind and first.currency = second.currency
        and first.document_key < second.document_key and first.amount + second.amount = whole.amount
    where abs({{ days_between('first.made_at', 'whole.made_at') }}) <= {{ policy['window_days'] }}
        and abs({{ days_between('second.made_at', 'whole.made_at') }}) <= {{ policy['window_days'] }}
        and not exists (select 1 from by_content where by_content.billing_key = whole.document_key)
        and not exists (select 1 from by_content where by_content.ledger_key in (first.document_key, second.document_key))
    qualify row_number() over (partition by whole.document_key order by first.document_key, second.document_key) = 1
        and row_number() over (partition by first.document_key order by whole.document_key, second.document_key) = 1
        and row_number() over (partition by second.document_key order by whole.document_key, first.document_key) = 1
),

-- a booking that names nothing and repeats one that is already paired
repeated as (
    select lone.document_key as ledger_key, min(billing.document_key) as billing_key
    from lone_ledger as lone
    inner join billing
        on lone.customer_id = billing.customer_id and lone.kind = billing.kind and lone.currency = billing.currency and lone.amount = billing.amount
        and cast(lone.made_at as date) = cast(billing.made_at as date)
    inner join referred on billing.document_key = referred.billing_key
    left join by_content on lone.document_key = by_content.ledger_key
    where by_content.ledger_key is null and not exists (select 1 from halves where lone.document_key in (halves.first_key, halves.second_key))
    group by lone.document_key
),

links as (
    select ledger_key, billing_key, pass, method,
        case pass when 1 then {{ policy['confidence_id'] }} else {{ policy['confidence_content'] }} end as confidence
    from referred
    union all
    select ledger_key, billing_key, pass, method, confidence from by_content
    union all
    select first_key as ledger_key, billing_key, 4 as pass, 'customer, sum, date' as method, {{ policy['confidence_ambiguous'] }} as confidence from halves
    union all
    select second_key as ledger_key, billing_key, 4 as pass, 'customer, sum, date' as method, {{ policy['confidence_ambiguous'] }} as confidence from halves
    union all
    select ledger_key, billing_key, 5 as pass, 'repeats' as method, {{ policy['confidence_ambiguous'] }} as confidence from repeated
),

-- several bookings of one credit are its parts as long as they do not exceed it
measured as (
    select
        links.*,
        row_number() over (
            partition by links.billing_key order by ledger.is_dead, links.pass, ledger.made_at, length(ledger.document_id), ledger.document_key
        ) as place,
        sum(case when ledger.is_dead then 0 else 1 end) over (partition by links.billing_key) as live_bookings,
        sum(case when ledger.is_dead then 0 else ledger.amount end) over (partition by links.billing_key) as booked_amount,
        sum(case when ledger.is_dead then 0 else ledger.amount end) over (
            partition by links.billing_key order by ledger.is_dead, links.pass, ledger.made_at, length(ledger.document_id), ledger.document_key
            rows between unbounded preceding and current row
        ) as booked_so_far
    from links
    inner join ledger on links.ledger_key = ledger.document_key
),

approvals as (
    select document.*, sale.order_id, sale.connection as order_connection, coalesce(document.solved_at, case when not document.is_open then document.updated_at end) as closed_at
    from {{ ref('support_case') }} as document
    left join {{ ref('sales_order') }} as sale on document.order_number = sale.number and document.customer_id = sale.customer_id
    where document.customer_id is not null and {{ is_case_marked(contract()['case']['credit_approvals'], 'document') }}
    qualify row_number() over (partition by document.case_key order by sale.created_at, sale.order_key) = 1
),

credited_orders as (
    select billing.document_key, invoice.erp_order_id
    from billing
    inner join {{ ref('invoice') }} as invoice on billing.connection = invoice.connection and billing.billing_invoice_id = invoice.invoice_id
    where invoice.erp_order_id is not null
),

-- what an approval may have led to: a credit in billing, or one that the ERP alone has
granted as (
    select * from billing where not is_dead
    union all
    select ledger.*
    from ledger
    left join links on ledger.document_key = links.ledger_key
    where links.ledger_key is null and not ledger.is_dead
),

-- the credit that a case approved: on its order where the case names one, else the customer's next one within the window. One approval may have led
-- to a credit note and a refund; so a case looks at one kind of document alone
answers as (
    select
        approvals.case_key,
        granted.document_key,
        case when credited_orders.erp_order_id = approvals.order_id then 'order number' else 'customer, date' end as method,
        case when credited_orders.erp_order_id = approvals.order_id then 0 else 1 end as is_other_order,
        abs({{ age_seconds('granted.made_at', 'approvals.created_at') }}) as gap
    from approvals
    inner join granted on approvals.customer_id = granted.customer_id
    left join credited_orders on granted.document_key = credited_orders.document_key and approvals.order_id = credited_orders.erp_order_id
    where {{ days_between('granted.made_at', 'approvals.created_at') }} between 0 and {{ policy['approval_window_days'] }}
        and (approvals.order_id is null or credited_orders.erp_order_id is not null or granted.billing_invoice_id is null)
    qualify rank() over (
        partition by approvals.case_key
        order by case when credited_orders.erp_order_id = approvals.order_id then 0 else 1 end, granted.role, granted.kind) = 1
),

{{ nearest_pairs('answering', 'answers', 'case_key', 'document_key', 'is_other_order, gap, candidate.document_key', 'is_other_order, gap, candidate.case_key') }}

answered as (
    select answers.case_key, answers.document_key, answers.method
    from answering
    inner join answers on answering.case_key = answers.case_key and answering.document_key = answers.document_key
),

billed_customers as (
    select customer_id, min(connection) as connection from {{ ref('crosswalk') }} where role = 'billing' group by customer_id
),

pairs as (
    select
        coalesce(billing.kind, ledger.kind, 'approval') || ' '
            || coalesce(billing.document_key || coalesce(' / ' || ledger.document_key, ''), ledger.document_key, approvals.case_key) as pair_key,
        coalesce(billing.kind, ledger.kind, 'approval') as kind,
        coalesce(ledger.customer_id, billing.customer_id, approvals.customer_id) as customer_id,
        case when billing.document_key is null and ledger.document_key is null then approvals.case_key end as lone_case_key,
        coalesce('order:' || coalesce(approvals.order_id, credited_orders.erp_order_id), 'invoice:' || billing.billing_invoice_id,
            coalesce(billing.kind, ledger.kind) || ':' || coalesce(billing.document_id, ledger.document_id), 'case:' || approvals.case_id) as correlation_id,
        approvals.connection as case_connection,
        approvals.case_id,
        approvals.is_open as is_case_open,
        approvals.created_at as case_created_at,
        approvals.closed_at as case_closed_at,
        answered.method as case_method,
        coalesce(billing.connection, billed.connection) as billing_connection,
        billing.document_id as billing_document_id,
        billing.status as billing_status,
        coalesce(ledger.connection, customer.owner_connection) as ledger_connection,
        ledger.document_id as ledger_document_id,
        ledger.status as ledger_status,
        ledger.billing_document_id as named_document_id,
        measured.method,
        cast(measured.confidence as decimal(5, 4)) as confidence,
        coalesce(measured.place, 1) as place,
        coalesce(measured.live_bookings, 0) as live_bookings,
        billing.currency as billing_currency,
        ledger.currency as ledger_currency,
        billing.amount as billing_amount,
        ledger.amount as ledger_amount,
        {{ money('measured.booked_amount') }} as booked_amount,
        {{ money('measured.booked_so_far') }} as booked_so_far,
        {{ allowed_difference('billing.amount', 'units.minor_size', policy['tolerance_minor'], policy['tolerance_share']) }} as tolerance,
        coalesce(billing.is_dead, false) as is_billing_dead,
        coalesce(billing.status in ('void', 'failed', 'canceled'), false) as is_billing_refused,
        coalesce(ledger.is_dead, false) as is_ledger_dead,
        billing.customer_id is not null as is_billing_customer_known,
        billed.customer_id is not null as is_billed_customer,
        billing.made_at as billed_at,
        ledger.made_at as booked_at,
        coalesce(billing.made_at, ledger.made_at, approvals.created_at) as since,
        coalesce(ledger.company_id, billing.company_id) as company_id
    from measured
    full outer join billing on measured.billing_key = billing.document_key
    full outer join ledger on measured.ledger_key = ledger.document_key
    full outer join answered on coalesce(billing.document_key, ledger.document_key) = answered.document_key
    full outer join approvals on answered.case_key = approvals.case_key
    left join credited_orders on billing.document_key = credited_orders.document_key
    left join units on billing.currency = units.currency
    left join billed_customers as billed on coalesce(ledger.customer_id, billing.customer_id, approvals.customer_id) = billed.customer_id
    left join {{ ref('customer') }} as customer on coalesce(ledger.customer_id, billing.customer_id, approvals.customer_id) = customer.customer_id
),

differences as (
    select *, booked_amount - billing_amount as difference, {{ money('booked_so_far - billing_amount') }} as excess, {{ age_seconds(as_of(), 'since') }} as age
    from pairs
),

classified as (
    select
        *,
        case
            when lone_case_key is not null and is_case_open and age <= {{ policy['approval_grace_seconds'] }} then 'timing'
            when lone_case_key is not null and is_case_open then 'unposted'
            when lone_case_key is not null then 'case_closed_early'
            when ledger_document_id is null and not is_billing_customer_known then 'customer_unknown'
            when ledger_document_id is null and (is_billing_dead or coalesce(billing_amount, 0) = 0) then 'not_expected'
            when ledger_document_id is null and age <= {{ policy['posting_grace_seconds'] }} then 'timing'
            when ledger_document_id is null and case_closed_at is not null then 'case_closed_early'
            when ledger_document_id is null then 'unposted'
            when billing_document_id is null and (is_ledger_dead or named_document_id is null) then 'not_expected'
            when billing_document_id is null and not is_billed_customer then 'not_expected'
            when billing_document_id is null and age <= {{ policy['posting_grace_seconds'] }} then 'timing'
            when billing_document_id is null then 'missing_in_billing'
            when is_ledger_dead and live_bookings > 0 then 'not_expected'
            when is_ledger_dead and is_billing_dead then 'matched'
            when is_ledger_dead and place > 1 then 'not_expected'
            when is_ledger_dead and age <= {{ policy['posting_grace_seconds'] }} then 'timing'
            when is_ledger_dead then 'unposted'
            when is_billing_refused and age <= {{ policy['posting_grace_seconds'] }} then 'timing'
            when is_billing_refused then 'missing_in_billing'
            when billing_currency <> ledger_currency then 'currency'
            when place > 1 and excess > tolerance then 'duplicate'
            when live_bookings > 1 and difference > tolerance then 'matched'
            when abs(difference) <= tolerance then 'matched'
            when age <= {{ policy['posting_grace_seconds'] }} then 'timing'
            when live_bookings > 1 then 'partial'
            else 'amount'
        end as class
    from differences
)

select
    pair_key,
    kind,
    customer_id,
    correlation_id,
    case_connection,
    case_id,
    is_case_open,
    case_created_at,
    case_closed_at,
    case_method,
    -- booked at last, but only after the customer was told that all is done
    coalesce(case_closed_at < booked_at, false) as is_booked_after_closing,
    billing_connection,
    billing_document_id,
    billing_status,
    ledger_connection,
    ledger_document_id,
    ledger_status,
    method,
    confidence,
    place,
    billing_currency,
    ledger_currency,
    billing_amount,
    ledger_amount,
    booked_amount,
    {{ money('difference') }} as difference,
    case when class = 'duplicate' then case when excess < ledger_amount then excess else ledger_amount end end as excess,
    tolerance,
    billed_at,
    booked_at,
    since,
    class,
    case
        when class = 'timing' then 'within the grace'
        when class = 'customer_unknown' then 'billing''s customer is no known customer'
        when class = 'unposted' and lone_case_key is not null then 'approved in support, and neither billing nor the ERP has a credit'
        when class = 'unposted' and ledger_document_id is not null then 'its only booking is void'
        when class = 'unposted' then 'no booking names it, and none has its customer, amount and date'
        when class = 'case_closed_early' and lone_case_key is not null then 'the case is closed, and no credit was made'
        when class = 'case_closed_early' then 'the case is closed, and the ERP has not booked the credit'
        when class = 'missing_in_billing' and billing_document_id is not null then 'it is ' || billing_status || ' in billing, and the ERP still gives the money'
        when class = 'missing_in_billing' then 'names ' || named_document_id || ', which billing does not have'
        when class = 'duplicate' then 'booked more often than it was granted'
        when class = 'partial' then 'its bookings do not add up to it'
        when class = 'currency' then 'booked in another currency'
        when class = 'amount' then 'booked with another amount'
        when class = 'not_expected' and ledger_document_id is null and is_billing_dead then 'never took effect in billing'
        when class = 'not_expected' and ledger_document_id is null then 'of no amount'
        when class = 'not_expected' and is_ledger_dead and billing_document_id is not null and live_bookings > 0 then 'void, and another booking stands'
        when class = 'not_expected' and is_ledger_dead and billing_document_id is not null then 'void, as its other booking is'
        when class = 'not_expected' and is_ledger_dead then 'void'
        when class = 'not_expected' and named_document_id is null then 'the ERP''s own: it names no document of billing'
        when class = 'not_expected' then 'billing does not serve the customer'
        when class = 'matched' and live_bookings > 1 then 'one of several parts'
    end as reason,
    {{ legal_entity_of('company_id', 'ledger_connection') }} as company_id
from classified
