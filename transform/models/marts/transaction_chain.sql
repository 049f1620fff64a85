-- which chain each document belongs to: the order that it was made of, else the subscription or invoice that the reconciliation names
with invoices as (
    -- no more columns than are asked for: several steps read these, so they are kept
    select
        document.invoice_key, document.invoice_id, document.role, document.customer_id, chain.correlation_id,
        case when coalesce(document.status, '') not in ('draft', 'void', 'rejected') then document.reporting_amount end as amount,
        coalesce(document.finalized_at, document.created_at) as happened_at
    from {{ ref('invoice') }} as document
    inner join {{ ref('invoice_chain') }} as chain on document.invoice_key = chain.invoice_key
),

named_orders as (
    {{ case_orders() }}
),

-- a payment belongs to the chain of the invoice that it pays; of several to the first. Payments that are not known drop out where these are read
payment_invoices as (
    select payment_key, min(correlation_id) as correlation_id
    from (
        select document.payment_key, invoices.correlation_id
        from {{ ref('payment') }} as document
        inner join invoices on document.billing_invoice_id = invoices.invoice_id and invoices.role = 'billing'
        union all
        select applied.connection || ':' || applied.payment_id, invoices.correlation_id
        from {{ ref('payment_application') }} as applied
        inner join invoices on applied.connection || ':' || applied.invoice_id = invoices.invoice_key
        where applied.payment_id is not null
    ) as paid
    group by payment_key
),

credit_invoices as (
    select document.credit_note_key, min(invoices.correlation_id) as correlation_id
    from {{ ref('credit_note') }} as document
    inner join invoices on document.billing_invoice_id = invoices.invoice_id and invoices.role = 'billing'
    group by document.credit_note_key
),

members as (
    select 'order:' || erp_order_id as correlation_id, 'opportunity' as kind, opportunity_key as record_key, customer_id, null as amount,
        case when is_won then cast(close_date as {{ sql_type('timestamp') }}) end as happened_at
    from {{ ref('opportunity') }}
    where erp_order_id is not null
    union all
    select 'order:' || order_id, 'order', order_key, customer_id, reporting_amount, created_at
    from {{ ref('sales_order') }}
    union all
    select 'order:' || order_id, 'shipment', shipment_key, customer_id, null, coalesce(delivered_at, shipped_at)
    from {{ ref('shipment') }}
    where order_id is not null
    union all
    select 'order:' || order_id, 'return', return_key, customer_id, null, coalesce(received_at, created_at)
    from {{ ref('return_order') }}
    where order_id is not null
    union all
    select correlation_id, case role when 'billing' then 'invoice' else 'ledger invoice' end, invoice_key, customer_id, amount, happened_at
    from invoices
    union all
    select chain.correlation_id, case document.role when 'billing' then 'payment' else 'ledger payment' end, document.payment_key, document.customer_id,
        case when document.status in ('succeeded', 'deposited', 'undeposited') then document.reporting_amount end, document.paid_at
    from {{ ref('payment') }} as document
    inner join payment_invoices as chain on document.payment_key = chain.payment_key
    union all
    select chain.correlation_id, case document.role when 'billing' then 'credit' else 'ledger credit' end, document.credit_note_key, document.customer_id,
        case when coalesce(document.status, '') not in ('draft', 'void') then document.reporting_amount end, document.issued_at
    from {{ ref('credit_note') }} as document
    inner join credit_invoices as chain on document.credit_note_key = chain.credit_note_key
    union all
    select coalesce('order:' || named.order_id, 'case:' || document.case_key), 'case', document.case_key, document.customer_id, null, document.created_at
    from {{ ref('support_case') }} as document
    left join named_orders as named on document.case_key = named.case_key
),

exceptions as (
    select finding.correlation_id, count(*) as finding_count,
        {{ money("sum(case when finding.severity <> 'warn' then " ~ in_reporting_currency('finding.exposure', 'finding.currency') ~ " end)") }} as finding_exposure,
        {{ joined_texts("finding.drift_id || ' ' || finding.class") }} as findings
    from {{ ref('drift') }} as finding
    {{ reporting_joins('finding.currency', as_of()) }}
    where finding.correlation_id is not null
    group by finding.correlation_id
),

-- kind by kind first: the lists of a chain are then put together once, not searched for in every document. No document is in a chain twice,
-- so its list need not be made distinct
of_kind as (
    select
        correlation_id, kind, min(customer_id) as customer_id, {{ joined_texts('record_key', is_distinct=true) }} as record_keys, sum(amount) as amount,
        min(happened_at) as first_at, max(happened_at) as last_at, count(*) as document_count
    from members
    group by correlation_id, kind
),

chains as (
    select
        correlation_id,
        min(customer_id) as customer_id,
        {%- for kind in ['opportunity', 'order', 'shipment', 'invoice', 'ledger invoice', 'payment', 'ledger payment', 'credit', 'ledger credit', 'return', 'case'] %}
        max(case when kind = '{{ kind }}' then record_keys end) as {{ kind | replace(' ', '_') }}_keys,
        {%- endfor %}
        {%- for kind in ['order', 'invoice', 'ledger invoice', 'payment', 'ledger payment', 'credit', 'ledger credit'] %}
        {{ money("max(case when kind = '" ~ kind ~ "' then amount end)") }} as {{ kind | replace(' ', '_') }}_amount,
        {%- endfor %}
        {%- for kind, name in [('opportunity', 'won'), ('order', 'ordered'), ('shipment', 'shipped'), ('invoice', 'invoiced'), ('ledger invoice', 'booked'),
            ('payment', 'paid'), ('credit', 'credited'), ('return', 'returned'), ('case', 'case_opened')] %}
        max(case when kind = '{{ kind }}' then last_at end) as {{ name }}_at,
        {%- endfor %}
        min(first_at) as first_at,
        max(last_at) as last_at,
        cast(sum(document_count) as bigint) as document_count
    from of_kind
    group by correlation_id
)

select
    chains.correlation_id,
    chains.customer_id,
    customer.name as customer_name,
    chains.opportunity_keys,
    chains.order_keys,
    chains.shipment_keys,
    chains.invoice_keys,
    chains.ledger_invoice_keys,
    chains.payment_keys,
    chains.ledger_payment_keys,
    chains.credit_keys,
    chains.ledger_credit_keys,
    chains.return_keys,
    chains.case_keys,
    exceptions.findings,
    chains.order_amount,
    chains.invoice_amount,
    chains.ledger_invoice_amount,
    chains.payment_amount,
    chains.ledger_payment_amount,
    chains.credit_amount,
    chains.ledger_credit_amount,
    reporting.currency as reporting_currency,
    chains.document_count,
    coalesce(exceptions.finding_count, 0) as finding_count,
    exceptions.finding_exposure,
    chains.won_at,
    chains.ordered_at,
    chains.shipped_at,
    chains.invoiced_at,
    chains.booked_at,
    chains.paid_at,
    chains.credited_at,
    chains.returned_at,
    chains.case_opened_at,
    chains.first_at,
    chains.last_at
from chains
left join {{ ref('customer') }} as customer on chains.customer_id = customer.customer_id
left join {{ ref('reporting_currency') }} as reporting on 1 = 1
left join exceptions on chains.correlation_id = exceptions.correlation_id
