{%- set policy = contract()['payment'] -%}
with refunded as (
    select connection, billing_payment_id, sum(amount) as amount
    from {{ ref('refund') }}
    where role = 'billing' and billing_payment_id is not null and (status is null or status in ('succeeded', 'posted', 'pending', 'requires_action'))
    group by connection, billing_payment_id
),

disputed as (
    select connection, payment_id, max(case when status = 'lost' then 1 else 0 end) as is_lost, sum(amount) as amount
    from {{ ref('dispute') }}
    where payment_id is not null and (status is null or status in ('open', 'under_review', 'lost'))
    group by connection, payment_id
),

applications as (
    select connection, payment_id, invoice_id, amount from {{ ref('payment_application') }} where payment_id is not null
),

-- what a payment settles; a system that lands no applications says nothing about it
applied as (
    select connection, payment_id, sum(amount) as amount, min(invoice_id) as invoice_id, max(invoice_id) as last_invoice_id
    from applications
    group by connection, payment_id
),

applying_connections as (
    select connection from applied group by connection
),

-- nearly every payment settles one invoice: how many different ones is counted for the others alone
several_applied as (
    select applied.connection, applied.payment_id, count(distinct applications.invoice_id) as invoice_count
    from applied
    inner join applications on applied.connection = applications.connection and applied.payment_id = applications.payment_id
    where applied.invoice_id <> applied.last_invoice_id
    group by applied.connection, applied.payment_id
),

billed_customers as (
    select customer_id, min(connection) as connection from {{ ref('crosswalk') }} where role = 'billing' group by customer_id
),

owner_connections as (
    select customer_id, owner_connection from {{ ref('customer') }}
),

units as (
    {{ minor_units() }}
),

group_sums as (
    select
        pair.group_key,
        sum(billing.amount) as billing_sum,
        sum(ledger.amount) as ledger_sum,
        max(case when billing.currency <> ledger.currency then 1 else 0 end) as currencies_differ
    from {{ ref('payment_pair') }} as pair
    inner join {{ ref('payment') }} as billing on pair.billing_key = billing.payment_key
    inner join {{ ref('payment') }} as ledger on pair.ledger_key = ledger.payment_key
    where pair.group_key is not null
    group by pair.group_key
),

documents as (
    select
        coalesce(pair.billing_key, pair.ledger_key) || case when pair.billing_key is null or pair.ledger_key is null then '' else ' / ' || pair.ledger_key end as pair_key,
        coalesce(billing.customer_id, ledger.customer_id) as customer_id,
        coalesce(billed_invoice.correlation_id, booked_invoice.correlation_id, 'payment:' || coalesce(billing.payment_id, ledger.payment_id)) as correlation_id,
        coalesce(billing.connection, billed.connection) as billing_connection,
        billing.payment_id as billing_payment_id,
        coalesce(ledger.connection, owner.owner_connection) as ledger_connection,
        ledger.payment_id as ledger_payment_id,
        coalesce(applied.invoice_id, billing.billing_invoice_id) as billing_invoice_id,
        pair.method,
        pair.confidence,
        pair.cardinality,
        pair.group_key,
        pair.member,
        pair.place,
        pair.reason as search_reason,
        ledger.billing_payment_id is not null as names_billing,
        billed.connection is not null as is_billed_customer,
        coalesce(billed_invoice.is_missing, false) as is_invoice_unbooked,
        coalesce(booked_invoice.is_missing, false) as is_invoice_unbilled,
        billing.status as billing_status,
        ledger.status as ledger_status,
        billing.currency as billing_currency,
        ledger.currency as ledger_currency,
        billing.amount as billing_total,
        ledger.amount as ledger_total,
        case when pair.cardinality = 'n:1' then totals.billing_sum else billing.amount end as whole_billing,
        case when pair.cardinality = '1:n' then totals.ledger_sum else ledger.amount end as whole_ledger,
        coalesce(totals.currencies_differ = 1, billing.currency <> ledger.currency) as is_other_currency,
        coalesce(refunded.amount, 0) as refunded_amount,
        coalesce(disputed.amount, 0) as disputed_amount,
        disputed.payment_id is not null as is_disputed,
        coalesce(disputed.is_lost, 0) = 1 as is_lost,
        case
            when applied.payment_id is null then case when billing.billing_invoice_id is not null then 1 else 0 end
            else coalesce(several.invoice_count, case when applied.invoice_id is not null then 1 else 0 end)
        end as billing_invoice_count,
        coalesce(several_booked.invoice_count, case when booked.invoice_id is not null then 1 else 0 end) as ledger_invoice_count,
        -- applied in full where the payment names its invoice and nothing says how much of it
        case
            when applied.payment_id is not null then applied.amount
            when billing.billing_invoice_id is not null then billing.amount
            when billing_applies.connection is not null then 0
        end as billing_applied,
        case when booked.payment_id is not null then booked.amount when ledger_applies.connection is not null then 0 end as ledger_applied,
        cast({{ policy['tolerance_minor'] }} * coalesce(unit.minor_size, 0.01) as {{ sql_type('money') }}) as tolerance,
        coalesce(billing.paid_at, ledger.paid_at) as since,
        coalesce(ledger.company_id, billing.company_id) as company_id,
        coalesce(billing.region, ledger.region) as region
    from {{ ref('payment_pair') }} as pair
    left join {{ ref('payment') }} as billing on pair.billing_key = billing.payment_key and billing.role = 'billing'
    left join {{ ref('payment') }} as ledger on pair.ledger_key = ledger.payment_key and ledger.role = 'erp'
    left join group_sums as totals on pair.group_key = totals.group_key
    left join units as unit on coalesce(billing.currency, ledger.currency) = unit.currency
    left join refunded on billing.connection = refunded.connection and billing.payment_id = refunded.billing_payment_id
    left join disputed on billing.connection = disputed.connection and billing.payment_id = disputed.payment_id
    left join applied on billing.connection = applied.connection and billing.payment_id = applied.payment_id
    left join applied as booked on ledger.connection = booked.connection and ledger.payment_id = booked.payment_id
    left join several_applied as several on applied.connection = several.connection and applied.payment_id = several.payment_id
    left join several_applied as several_booked on booked.connection = several_booked.connection and booked.payment_id = several_booked.payment_id
    left join applying_connections as billing_applies on billing.connection = billing_applies.connection
    left join applying_connections as ledger_applies on ledger.connection = ledger_applies.connection
    left join {{ ref('invoice_chain') }} as billed_invoice
        on billing.connection || ':' || coalesce(applied.invoice_id, billing.billing_invoice_id) = billed_invoice.invoice_key
    left join {{ ref('invoice_chain') }} as booked_invoice on ledger.connection || ':' || booked.invoice_id = booked_invoice.invoice_key
    left join billed_customers as billed on ledger.customer_id = billed.customer_id
    left join owner_connections as owner on billing.customer_id = owner.customer_id
),

differences as (
    select
        *,
        {{ paired_amounts('whole_billing', 'whole_ledger') }},
        abs(whole_billing - whole_ledger) as difference,
        -- money that settles nothing and was not given back; nobody looks at the same money twice where an ERP payment is one of several
        case when billing_applied is not null and billing_status is distinct from 'failed' and billing_status is distinct from 'void'
            then greatest(billing_total - billing_applied - refunded_amount - case when is_lost then disputed_amount else 0 end, 0) end as billing_unapplied,
        case when ledger_applied is not null and ledger_status is distinct from 'void'
            then greatest(ledger_total - ledger_applied - case when cardinality = '1:1' then refunded_amount else 0 end, 0) end as ledger_unapplied,
        {{ is_older('since', policy['grace_seconds']) }} as is_past_grace,
        {{ is_older('since', policy['application_grace_seconds']) }} as is_past_application_grace
    from documents
),

classified as (
    select
        *,
        case
            when ledger_payment_id is null and billing_status in ('failed', 'void', 'pending') then 'not_expected'
            when ledger_payment_id is null and billing_total = 0 then 'not_expected'
            when ledger_payment_id is null and customer_id is null then 'customer_unknown'
            when ledger_payment_id is null and refunded_amount >= billing_total then 'not_expected'
            when ledger_payment_id is null and is_disputed then 'not_expected'
            when ledger_payment_id is null and not is_past_grace then 'timing'
            when ledger_payment_id is null and search_reason = 'ambiguous' then 'ambiguous'
            when ledger_payment_id is null then 'missing_in_erp'
            when billing_payment_id is null and ledger_status = 'void' then 'not_expected'
            when billing_payment_id is null and search_reason = 'ambiguous' then 'ambiguous'
            when billing_payment_id is null and not names_billing then 'not_expected'
            when billing_payment_id is null and not is_billed_customer then 'customer_unknown'
            when billing_payment_id is null and not is_past_grace then 'timing'
            when billing_payment_id is null then 'missing_in_billing'
            when place > 1 and ledger_status = 'void' then 'not_expected'
            when place > 1 then 'duplicate'
            when ledger_status = 'void' and billing_status = 'succeeded' and (refunded_amount >= billing_total or is_disputed) then 'not_expected'
            when ledger_status = 'void' and is_past_grace and billing_status = 'succeeded' then 'missing_in_erp'
            when billing_status in ('failed', 'void') and ledger_status is distinct from 'void' and is_past_grace then 'missing_in_billing'
            when billing_status in ('failed', 'void') then 'not_expected'
            when not is_past_grace then 'timing'
            when is_other_currency then 'currency'
            when difference > tolerance then 'amount'
            when is_past_application_grace and greatest(coalesce(billing_unapplied, 0), coalesce(ledger_unapplied, 0)) > tolerance then 'unapplied'
            else 'matched'
        end as class
    from differences
)

select
    pair_key, customer_id, correlation_id, billing_connection, billing_payment_id, ledger_connection, ledger_payment_id, billing_invoice_id,
    method, confidence, cardinality, group_key, member, place, names_billing, billing_status, ledger_status, billing_currency, ledger_currency,
    {{ money('billing_total') }} as billing_total,
    {{ money('ledger_total') }} as ledger_total,
    {{ money('billing_amount') }} as billing_amount,
    {{ money('ledger_amount') }} as ledger_amount,
    {{ money('difference') }} as difference,
    {{ money('refunded_amount') }} as refunded_amount,
    {{ money('disputed_amount') }} as disputed_amount,
    billing_invoice_count, ledger_invoice_count,
    {{ money('billing_unapplied') }} as billing_unapplied,
    {{ money('ledger_unapplied') }} as ledger_unapplied,
    since, is_past_grace, class,
    case
        when class = 'matched' then null
        when ledger_payment_id is null then
            case
                when billing_status in ('failed', 'void', 'pending') then billing_status
                when billing_total = 0 then 'zero'
                when class = 'customer_unknown' then 'customer unknown'
                when class = 'not_expected' and refunded_amount >= billing_total then 'refunded'
                when class = 'not_expected' then 'disputed'
                when class = 'timing' then 'in grace'
                when class = 'missing_in_erp' and is_invoice_unbooked then 'invoice not booked'
                else coalesce(search_reason, 'no counterpart')
            end
        when billing_payment_id is null then
            case
                when ledger_status = 'void' then 'void'
                when search_reason is not null then search_reason
                when not names_billing then 'names no payment'
                when class = 'customer_unknown' then 'customer unknown'
                when class = 'timing' then 'in grace'
                when class = 'missing_in_billing' and is_invoice_unbilled then 'invoice not in billing'
                else 'no counterpart'
            end
        when class = 'not_expected' and place > 1 then 'void'
        when class = 'not_expected' and billing_status in ('failed', 'void') then billing_status
        when class = 'not_expected' and refunded_amount >= billing_total then 'refunded'
        when class = 'not_expected' then 'disputed'
        when class = 'missing_in_erp' then 'void in the ERP'
        when class = 'missing_in_billing' then billing_status || ' in billing'
        when class = 'duplicate' then 'booked again'
        when class = 'timing' then 'in grace'
        when class = 'unapplied' and coalesce(billing_unapplied, 0) > tolerance
            then case when billing_unapplied >= billing_total - refunded_amount then 'settles nothing' else 'settles less than it is' end
        when class = 'unapplied' then 'not applied in the ERP'
    end as reason,
    {{ legal_entity_of('company_id', 'ledger_connection') }} as company_id,
    region
from classified
