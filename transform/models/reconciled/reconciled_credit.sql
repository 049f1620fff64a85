{%- set policy = contract()['credit_note'] -%}
with sizes as (
    {{ minor_sizes() }}
),

documents as (
    select
        'credit_note' as kind, credit_note_key as document_key, connection, role, credit_note_id as document_id,
        billing_credit_note_id as billing_document_id, number, customer_id, billing_invoice_id, status, currency, total_amount as amount,
        issued_at as made_at, coalesce(status in ('void', 'draft'), false) as is_dead
    from {{ ref('credit_note') }}
    union all
    select
        'refund' as kind, refund_key as document_key, connection, role, refund_id as document_id,
        billing_refund_id as billing_document_id, cast(null as {{ sql_type('string') }}) as number, customer_id,
        cast(null as {{ sql_type('string') }}) as billing_invoice_id, status, currency, amount,
        refunded_at as made_at, coalesce(status in ('void', 'failed', 'canceled', 'pending', 'requires_action'), false) as is_dead
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

-- documents that name nothing: same customer, kind and currency, an amount within the tolerance, the nearest day; each the other's nearest
candidates as (
    select
        lone_ledger.document_key as ledger_key,
        lone_billing.document_key as billing_key,
        count(*) over (partition by lone_ledger.document_key) as ledger_candidates,
        count(*) over (partition by lone_billing.document_key) as billing_candidates,
        row_number() over (
            partition by lone_ledger.document_key
            order by abs({{ age_seconds('lone_ledger.made_at', 'lone_billing.made_at') }}), lone_billing.made_at, lone_billing.document_key
        ) as ledger_place,
        row_number() over (
            partition by lone_billing.document_key
            order by abs({{ age_seconds('lone_ledger.made_at', 'lone_billing.made_at') }}), lone_ledger.made_at, lone_ledger.document_key
        ) as billing_place
    from lone_ledger
    inner join lone_billing
        on lone_ledger.customer_id = lone_billing.customer_id and lone_ledger.kind = lone_billing.kind and lone_ledger.currency = lone_billing.currency
    left join sizes on lone_billing.currency = sizes.currency
    where abs({{ days_between('lone_ledger.made_at', 'lone_billing.made_at') }}) <= {{ policy['window_days'] }}
        and abs(lone_ledger.amount - lone_billing.amount)
            <= {{ allowed_difference('lone_billing.amount', 'sizes.minor_size', policy['tolerance_minor'], policy['tolerance_share']) }}
),

by_content as (
    select
        ledger_key, billing_key, 3 as pass, 'customer, amount, date' as method,
        case when ledger_candidates = 1 and billing_candidates = 1 then {{ policy['confidence_content'] }} else {{ policy['confidence_ambiguous'] }} end as confidence
    from candidates
    where ledger_place = 1 and billing_place = 1
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

-- several bookings of one credit are its parts where they do not exceed it
measured as (
    select
        links.*,
        row_number() over (
            partition by links.billing_key order by ledger.is_dead, links.pass, ledger.made_at, length(ledger.document_id), ledger.document_key
        ) as place,
        sum(case when ledger.is_dead then 0 else 1 end) over (partition by links.billing_key) as live_bookings,
        sum(case when ledger.is_dead then 0 else ledger.amount end) over (partition by links.billing_key) as booked_amount
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

-- the credit that a case approved: on its order where the case names one, else the customer's next one within the window
answers as (
    select
        approvals.case_key,
        billing.document_key,
        case when credited_orders.erp_order_id = approvals.order_id then 'order number' else 'customer, date' end as method,
        row_number() over (
            partition by approvals.case_key
            order by case when credited_orders.erp_order_id = approvals.order_id then 0 else 1 end, billing.kind,
                abs({{ age_seconds('billing.made_at', 'approvals.created_at') }}), billing.document_key
        ) as case_place,
        row_number() over (
            partition by billing.document_key
            order by case when credited_orders.erp_order_id = approvals.order_id then 0 else 1 end,
                abs({{ age_seconds('billing.made_at', 'approvals.created_at') }}), approvals.case_key
        ) as document_place
    from approvals
    inner join billing on approvals.customer_id = billing.customer_id and not billing.is_dead
    left join credited_orders on billing.document_key = credited_orders.document_key and approvals.order_id = credited_orders.erp_order_id
    where {{ days_between('billing.made_at', 'approvals.created_at') }} between 0 and {{ policy['approval_window_days'] }}
        and (approvals.order_id is null or credited_orders.erp_order_id is not null or billing.billing_invoice_id is null)
),

answered as (
    select case_key, document_key, method from answers where case_place = 1 and document_place = 1
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
        {{ allowed_difference('billing.amount', 'sizes.minor_size', policy['tolerance_minor'], policy['tolerance_share']) }} as tolerance,
        coalesce(billing.is_dead, false) as is_billing_dead,
        coalesce(ledger.is_dead, false) as is_ledger_dead,
        billing.customer_id is not null as is_billing_customer_known,
        billed.customer_id is not null as is_billed_customer,
        billing.made_at as billed_at,
        ledger.made_at as booked_at,
        coalesce(billing.made_at, ledger.made_at, approvals.created_at) as since
    from measured
    full outer join billing on measured.billing_key = billing.document_key
    full outer join ledger on measured.ledger_key = ledger.document_key
    full outer join answered on billing.document_key = answered.document_key
    full outer join approvals on answered.case_key = approvals.case_key
    left join credited_orders on billing.document_key = credited_orders.document_key
    left join sizes on billing.currency = sizes.currency
    left join billed_customers as billed on coalesce(ledger.customer_id, billing.customer_id, approvals.customer_id) = billed.customer_id
    left join {{ ref('customer') }} as customer on coalesce(ledger.customer_id, billing.customer_id, approvals.customer_id) = customer.customer_id
),

differences as (
    select *, booked_amount - billing_amount as difference, {{ age_seconds(as_of(), 'since') }} as age
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
            when is_ledger_dead then 'unposted'
            when billing_currency <> ledger_currency then 'currency'
            when place > 1 and difference > tolerance then 'duplicate'
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
        when class = 'missing_in_billing' then 'names ' || named_document_id || ', which billing does not have'
        when class = 'duplicate' then 'booked more often than it was granted'
        when class = 'partial' then 'its bookings do not add up to it'
        when class = 'currency' then 'booked in another currency'
        when class = 'amount' then 'booked with another amount'
        when class = 'not_expected' and ledger_document_id is null and is_billing_dead then 'never took effect in billing'
        when class = 'not_expected' and ledger_document_id is null then 'of no amount'
        when class = 'not_expected' and is_ledger_dead and billing_document_id is not null then 'void, and another booking stands'
        when class = 'not_expected' and is_ledger_dead then 'void'
        when class = 'not_expected' and named_document_id is null then 'the ERP''s own: it names no document of billing'
        when class = 'not_expected' then 'billing does not serve the customer'
        when class = 'matched' and live_bookings > 1 then 'one of several parts'
    end as reason
from classified
