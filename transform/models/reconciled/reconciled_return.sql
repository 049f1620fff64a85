{%- set policy = contract()['return'] -%}
{%- set credit_policy = contract()['credit_note'] -%}
with units as (
    {{ minor_units() }}
),

-- not every ERP tells when a return was announced; then the goods' arrival stands for it
backs as (
    select *, coalesce(created_at, received_at) as begun_at
    from {{ ref('return_order') }}
),

cases as (
    select
        document.*, sale.order_id, sale.connection as order_connection,
        {{ is_case_marked(contract()['case']['return_approvals'], 'document') }} as is_approval
    from {{ ref('support_case') }} as document
    left join {{ ref('sales_order') }} as sale on document.order_number = sale.number and document.customer_id = sale.customer_id
    where document.customer_id is not null
),

-- the case about a return: one that approves it before one that only names the order, the nearest in time
asked as (
    select
        back.return_key, cases.case_key, cases.connection, cases.case_id, cases.is_open, cases.created_at,
        case when cases.is_approval then 'approval, order number' else 'order number' end as method
    from backs as back
    inner join cases on back.connection = cases.order_connection and back.order_id = cases.order_id
    where (back.begun_at is null or abs({{ days_between('cases.created_at', 'back.begun_at') }}) <= {{ policy['window_days'] }})
    qualify row_number() over (
        partition by back.return_key
        order by case when cases.is_approval then 0 else 1 end, abs({{ age_seconds('cases.created_at', 'back.begun_at') }}), cases.case_key
    ) = 1
),

credits as (
    select
        note.credit_note_key as document_key, note.connection, note.role, note.credit_note_id as document_id, note.customer_id, note.billing_invoice_id,
        note.currency, note.total_amount as amount, note.issued_at as made_at
    from {{ ref('credit_note') }} as note
    where coalesce(note.status, '') not in ('void', 'draft') and note.issued_at is not null
),

refunds as (
    select customer_id, currency, amount, min(refund_id) as refund_id
    from {{ ref('refund') }}
    where role = 'billing' and coalesce(status, '') not in ('void', 'failed', 'canceled', 'pending', 'requires_action') and customer_id is not null
    group by customer_id, currency, amount
),

-- the invoices that a return may be credited on: the one that it names, else those of its order
ledger_invoices as (
    select back.return_key, ledger.billing_invoice_id, 1 as pass
    from backs as back
    inner join {{ ref('invoice') }} as ledger on back.connection = ledger.connection and back.invoice_id = ledger.invoice_id
    where ledger.billing_invoice_id is not null
),

order_invoices as (
    select back.return_key, billed.billing_invoice_id, 2 as pass
    from backs as back
    inner join {{ ref('invoice') }} as billed on back.order_id = billed.erp_order_id and back.customer_id = billed.customer_id
    where billed.billing_invoice_id is not null
),

candidates as (
    select named.return_key, credits.document_key, named.pass
    from (select * from ledger_invoices union all select * from order_invoices) as named
    inner join backs as back on named.return_key = back.return_key
    inner join credits on named.billing_invoice_id = credits.billing_invoice_id and credits.role = 'billing' and {{ same_customer('back', 'credits') }}
    union all
    -- credits of the ERP that name nothing: same customer and currency, the value of the goods
    select back.return_key, credits.document_key, 3 as pass
    from backs as back
    inner join credits on back.customer_id = credits.customer_id and back.currency = credits.currency and credits.role = 'erp'
    left join units on back.currency = units.currency
    where abs(credits.amount - back.amount)
            <= {{ allowed_difference('back.amount', 'units.minor_size', credit_policy['tolerance_minor'], credit_policy['tolerance_share']) }}
        and (back.begun_at is null or {{ days_between('credits.made_at', 'back.begun_at') }} <= {{ policy['window_days'] }})
),

offered as (
    select
        candidates.return_key, candidates.document_key, candidates.pass,
        abs({{ age_seconds('credits.made_at', 'back.begun_at') }}) as gap
    from candidates
    inner join credits on candidates.document_key = credits.document_key
    inner join backs as back on candidates.return_key = back.return_key
    -- what was credited before the goods were announced was credited for something else
    where back.begun_at is null or {{ days_between('credits.made_at', 'back.begun_at') }}
        >= case when back.created_at is null then -{{ policy['window_days'] }} else 0 end
),

{{ nearest_pairs('nearest', 'offered', 'return_key', 'document_key', 'pass, gap, candidate.document_key', 'pass, gap, candidate.return_key') }}

ranked as (
    select nearest.return_key, nearest.document_key, min(offered.pass) as pass
    from nearest
    inner join offered on nearest.return_key = offered.return_key and nearest.document_key = offered.document_key
    group by nearest.return_key, nearest.document_key
),

credited as (
    select
        ranked.return_key, credits.connection, credits.document_id, credits.amount, credits.currency, credits.made_at, refunds.refund_id,
        case ranked.pass when 1 then 'invoice' when 2 then 'order' else 'customer, amount, date' end as method,
        case ranked.pass when 1 then {{ policy['confidence_invoice'] }} when 2 then {{ policy['confidence_order'] }} else {{ policy['confidence_content'] }} end as confidence
    from ranked
    inner join credits on ranked.document_key = credits.document_key
    left join refunds on credits.customer_id = refunds.customer_id and credits.currency = refunds.currency and credits.amount = refunds.amount
),

-- approved in support, and the ERP knows of no return of that order
unbooked as (
    select cases.*
    from cases
    where cases.is_approval
        and not exists (
            select 1 from backs as back
            where back.customer_id = cases.customer_id and (cases.order_id is null or (back.connection = cases.order_connection and back.order_id = cases.order_id))
                and (back.begun_at is null or {{ days_between('back.begun_at', 'cases.created_at') }} >= -{{ policy['window_days'] }})
        )
    qualify row_number() over (partition by cases.case_key order by cases.order_id) = 1
),

returns as (
    select
        back.return_key as pair_key,
        back.customer_id,
        coalesce('order:' || back.order_id, 'return:' || back.return_id) as correlation_id,
        back.connection as return_connection,
        back.return_id,
        back.number as return_number,
        back.order_id,
        back.status as return_status,
        back.reason as return_reason,
        asked.connection as case_connection,
        asked.case_id,
        asked.is_open as is_case_open,
        asked.method as case_method,
        credited.connection as credit_connection,
        credited.document_id as credit_id,
        credited.refund_id,
        credited.method,
        cast(credited.confidence as decimal(5, 4)) as confidence,
        back.currency,
        back.amount as return_amount,
        credited.amount as credited_amount,
        back.created_at as requested_at,
        back.due_at,
        back.received_at,
        credited.made_at as credited_at,
        coalesce(back.received_at, back.updated_at) as stood_since,
        coalesce(back.received_at is not null or back.status in ('received', 'credited'), false) as is_received
    from backs as back
    left join asked on back.return_key = asked.return_key
    left join credited on back.return_key = credited.return_key
),

classified as (
    select
        *,
        case
            when return_status is null then 'unknown'
            when return_status = 'rejected' then 'not_expected'
            when credit_id is not null and not is_received and not {{ is_older('credited_at', policy['receipt_grace_seconds']) }} then 'timing'
            when credit_id is not null and not is_received then 'unreceived'
            when credit_id is not null then 'matched'
            when return_status = 'credited' and not {{ is_older('stood_since', credit_policy['posting_grace_seconds']) }} then 'timing'
            when return_status = 'credited' then 'unrefunded'
            when is_received and not {{ is_older('stood_since', policy['credit_grace_seconds']) }} then 'timing'
            when is_received then 'received_not_credited'
            when return_status = 'closed' then 'not_expected'
            when requested_at is null and due_at is not null then case when {{ as_of() }} > due_at then 'open' else 'timing' end
            when not {{ is_older('coalesce(requested_at, stood_since)', policy['receipt_grace_seconds']) }} then 'timing'
            else 'open'
        end as class
    from returns
)

select
    pair_key,
    customer_id,
    correlation_id,
    case_connection,
    case_id,
    is_case_open,
    case_method,
    return_connection,
    return_id,
    return_number,
    order_id,
    return_status,
    return_reason,
    credit_connection,
    credit_id,
    refund_id,
    method,
    confidence,
    currency,
    return_amount,
    credited_amount,
    requested_at,
    received_at,
    credited_at,
    case class when 'open' then coalesce(requested_at, due_at, stood_since) when 'unreceived' then credited_at else coalesce(stood_since, requested_at) end as since,
    class,
    case class
        when 'unknown' then 'its status is unknown'
        when 'not_expected' then 'the return is ' || return_status || ' and no goods came'
        when 'timing' then 'on its way, within the grace'
        when 'open' then 'the goods have not come'
        when 'unreceived' then 'credited, and the goods never came'
        when 'unrefunded' then 'the ERP says credited, and no credit note can be found'
        when 'received_not_credited' then 'the goods are back, and nothing was credited'
    end as reason
from classified

union all

select
    unbooked.case_key as pair_key,
    unbooked.customer_id,
    coalesce('order:' || unbooked.order_id, 'case:' || unbooked.case_id) as correlation_id,
    unbooked.connection as case_connection,
    unbooked.case_id,
    unbooked.is_open as is_case_open,
    cast(null as {{ sql_type('string') }}) as case_method,
    coalesce(unbooked.order_connection, customer.owner_connection) as return_connection,
    cast(null as {{ sql_type('string') }}) as return_id,
    cast(null as {{ sql_type('string') }}) as return_number,
    unbooked.order_id,
    cast(null as {{ sql_type('string') }}) as return_status,
    cast(null as {{ sql_type('string') }}) as return_reason,
    cast(null as {{ sql_type('string') }}) as credit_connection,
    cast(null as {{ sql_type('string') }}) as credit_id,
    cast(null as {{ sql_type('string') }}) as refund_id,
    cast(null as {{ sql_type('string') }}) as method,
    cast(null as decimal(5, 4)) as confidence,
    cast(null as {{ sql_type('string') }}) as currency,
    cast(null as {{ sql_type('money') }}) as return_amount,
    cast(null as {{ sql_type('money') }}) as credited_amount,
    unbooked.created_at as requested_at,
    cast(null as {{ sql_type('timestamp') }}) as received_at,
    cast(null as {{ sql_type('timestamp') }}) as credited_at,
    unbooked.created_at as since,
    case when not {{ is_older('unbooked.created_at', policy['booking_grace_seconds']) }} then 'timing' else 'missing_in_erp' end as class,
    'approved in support, and the ERP has no return of it' as reason
from unbooked
left join {{ ref('customer') }} as customer on unbooked.customer_id = customer.customer_id
