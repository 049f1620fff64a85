{#- What does not agree at first sight, and documents alone: judged, with every column of both sides. -#}
{%- set policy = contract()['invoice'] -%}
with pairs as (
    select * from {{ ref('invoice_pair') }} where class is null
),

-- few of millions: named before they are joined, or the joins are made for all of them
billing as (
    select document.*
    from {{ ref('invoice') }} as document
    inner join (select distinct billing_key from pairs where billing_key is not null) as wanted on document.invoice_key = wanted.billing_key
    where document.role = 'billing'
),

ledger as (
    select document.*
    from {{ ref('invoice') }} as document
    inner join (select distinct ledger_key from pairs where ledger_key is not null) as wanted on document.invoice_key = wanted.ledger_key
    where document.role = 'erp'
),

credits as (
    {{ credited_invoices() }}
),

billed_customers as (
    select customer_id, min(connection) as connection from {{ ref('crosswalk') }} where role = 'billing' group by customer_id
),

owner_connections as (
    select customer_id, owner_connection from {{ ref('customer') }}
),

units as (
    {{ invoice_units() }}
),

grouped as (
    select * from pairs where group_key is not null
),

-- the one document of a group counts once, the several are added
group_sums as (
    select
        grouped.group_key,
        sum(billing.total_amount) as billing_sum,
        sum(billing.tax_amount) as billing_tax_sum,
        sum(billing.open_amount) as billing_open_sum,
        -- of a booking in parts the one invoice counts once
        cast(case when max(grouped.cardinality) = 'n:1' then sum(billing.line_count) else max(billing.line_count) end as bigint) as billing_lines,
        cast(sum(billing.total_minor) as bigint) as billing_minor,
        sum(ledger.total_amount) as ledger_sum,
        sum(ledger.tax_amount) as ledger_tax_sum,
        sum(ledger.open_amount) as ledger_open_sum,
        max(case when billing.currency <> ledger.currency then 1 else 0 end) as currencies_differ
    from grouped
    inner join billing on grouped.billing_key = billing.invoice_key
    inner join ledger on grouped.ledger_key = ledger.invoice_key
    group by grouped.group_key
),

documents as (
    select
        coalesce(pair.billing_key, pair.ledger_key) || case when pair.ledger_key is null then '' else ' / ' || pair.ledger_key end as pair_key,
        coalesce(billing.customer_id, ledger.customer_id) as customer_id,
        coalesce(billing.connection, billed.connection) as billing_connection,
        coalesce(ledger.connection, owner.owner_connection) as ledger_connection,
        pair.reason as search_reason,
        {{ paired_invoices() }},
        billing.customer_id is not null as is_billing_customer_known,
        ledger.billing_invoice_id is not null or ledger.billing_number is not null as names_billing,
        billed.connection is not null as is_billed_customer,
        {{ invoice_tolerance(
            'coalesce(totals.billing_lines, billing.line_count, ledger.line_count)',
            "case when pair.cardinality = 'n:1' then totals.billing_minor else billing.total_minor end", policy
        ) }} as tolerance,
        case when pair.cardinality = 'n:1' then totals.billing_sum else billing.total_amount end as whole_billing_total,
        case when pair.cardinality = '1:n' then totals.ledger_sum else ledger.total_amount end as whole_ledger_total,
        case when pair.cardinality = 'n:1' then totals.billing_tax_sum else billing.tax_amount end as whole_billing_tax,
        case when pair.cardinality = '1:n' then totals.ledger_tax_sum else ledger.tax_amount end as whole_ledger_tax,
        case when pair.cardinality = 'n:1' then totals.billing_open_sum else billing.open_amount end as whole_billing_open,
        case when pair.cardinality = '1:n' then totals.ledger_open_sum else ledger.open_amount end as whole_ledger_open,
        coalesce(totals.currencies_differ = 1, billing.currency <> ledger.currency) as is_other_currency,
        coalesce(ledger.company_id, billing.company_id) as company_id
    from pairs as pair
    left join billing on pair.billing_key = billing.invoice_key
    left join ledger on pair.ledger_key = ledger.invoice_key
    left join group_sums as totals on pair.group_key = totals.group_key
    left join units as unit on coalesce(billing.currency, ledger.currency) = unit.currency
    left join credits on billing.connection = credits.connection and billing.invoice_id = credits.billing_invoice_id
    -- asked of documents alone only: a join on null costs nothing
    left join billed_customers as billed on case when pair.billing_key is null then ledger.customer_id end = billed.customer_id
    left join owner_connections as owner on case when pair.ledger_key is null then billing.customer_id end = owner.customer_id
),

differences as (
    select
        *,
        {{ paired_amounts('whole_billing_total', 'whole_ledger_total') }},
        {{ is_older('since', policy['grace_seconds']) }} as is_past_grace,
        abs(whole_billing_total - whole_ledger_total) as total_difference,
        abs(whole_billing_tax - whole_ledger_tax) as tax_difference,
        abs((whole_billing_total - whole_billing_tax) - (whole_ledger_total - whole_ledger_tax)) as net_difference
    from documents
),

classified as (
    select
        *,
        case
            when ledger_invoice_id is null and not is_billing_customer_known then 'customer_unknown'
            when ledger_invoice_id is null and (finalized_at is null or coalesce(billing_status, '') in ('draft', 'void') or billing_total = 0)
                then 'not_expected'
            when ledger_invoice_id is null and credited_amount > 0 and abs(billing_total - credited_amount) <= tolerance then 'not_expected'
            when ledger_invoice_id is null and not is_past_grace then 'timing'
            when ledger_invoice_id is null and search_reason = 'ambiguous' then 'ambiguous'
            when ledger_invoice_id is null then 'missing_in_erp'
            when billing_invoice_id is null and ledger_status in ('void', 'rejected') then 'not_expected'
            when billing_invoice_id is null and search_reason = 'ambiguous' then 'ambiguous'
            when billing_invoice_id is null and not names_billing then 'not_expected'
            when billing_invoice_id is null and not is_billed_customer then 'customer_unknown'
            when billing_invoice_id is null and not is_past_grace then 'timing'
            when billing_invoice_id is null then 'missing_in_billing'
            when place > 1 and ledger_status in ('void', 'rejected') then 'not_expected'
            when place > 1 then 'duplicate'
            when not is_past_grace then 'timing'
            when is_other_currency then 'currency'
            when billing_status in ('draft', 'void') or ledger_status = 'void' then 'matched'
            when credited_amount > 0 and abs(whole_billing_total - credited_amount - whole_ledger_total) <= tolerance then 'matched'
            when net_difference > tolerance then 'amount'
            when tax_difference > tolerance then 'tax'
            when total_difference > tolerance then 'amount'
            else 'matched'
        end as class
    from differences
)

select
    pair_key, customer_id, correlation_id, billing_connection, billing_invoice_id, ledger_connection, ledger_invoice_id, number,
    method, confidence, cardinality, group_key, member, place,
    is_billing_customer_known, names_billing, is_billed_customer, billing_status, ledger_status, billing_currency, ledger_currency,
    billing_total, ledger_total, billing_tax, ledger_tax, billing_open, ledger_open, billing_amount, ledger_amount,
    credited_amount, tolerance, invoice_date, due_date, finalized_at, since, is_past_grace,
    total_difference, tax_difference, net_difference, class,
    case
        when ledger_invoice_id is null then
            case
                when class = 'customer_unknown' then 'customer unknown'
                when billing_status in ('draft', 'void') then billing_status
                when finalized_at is null then 'not final'
                when billing_total = 0 then 'zero'
                when class = 'not_expected' then 'credited'
                when class = 'timing' then 'in grace'
                else coalesce(search_reason, 'no counterpart')
            end
        when billing_invoice_id is null then
            case
                when ledger_status in ('void', 'rejected') then ledger_status
                when search_reason is not null then search_reason
                when not names_billing then 'names no invoice'
                when class = 'customer_unknown' then 'customer unknown'
                when class = 'timing' then 'in grace'
                else 'no counterpart'
            end
        when class = 'not_expected' then ledger_status
        when class = 'duplicate' then 'booked again'
        when class = 'timing' then 'in grace'
        when class = 'matched' and total_difference > tolerance and credited_amount > 0
            and abs(whole_billing_total - credited_amount - whole_ledger_total) <= tolerance then 'credited'
        when class = 'matched' and (billing_status in ('draft', 'void') or ledger_status = 'void') then 'not compared'
    end as reason,
    case
        when billing_invoice_id is null or ledger_invoice_id is null or place > 1 or not is_past_grace then 'not_compared'
        when billing_status is null or ledger_status is null or billing_status = 'draft' then 'not_compared'
        {%- for owner_status, allowed in policy['allowed_pairs'].items() %}
        when billing_status = '{{ owner_status }}' and ledger_status in ({{ quoted(allowed) }}) then 'matched'
        {%- endfor %}
        when group_key is not null and abs(whole_billing_open - whole_ledger_open) <= tolerance then 'matched'
        when credited_amount > 0 and greatest(coalesce(billing_open, 0), coalesce(ledger_open, 0)) <= credited_amount + tolerance then 'matched'
        else 'status'
    end as status_class,
    {{ legal_entity_of('company_id', 'ledger_connection') }} as company_id,
    region
from classified
