{{ config(materialized='view') }}
{%- set policy = contract()['invoice'] -%}
-- pairs that agree at first sight are put together when they are read: written out, they would be as large as all invoices
with credits as (
    {{ credited_invoices() }}
),

units as (
    {{ invoice_units() }}
)

select
    pair.billing_key || ' / ' || pair.ledger_key as pair_key,
    billing.customer_id,
    {{ invoice_correlation() }} as correlation_id,
    billing.connection as billing_connection,
    billing.invoice_id as billing_invoice_id,
    ledger.connection as ledger_connection,
    ledger.invoice_id as ledger_invoice_id,
    coalesce(billing.number, ledger.billing_number, ledger.number) as number,
    pair.method,
    pair.confidence,
    pair.cardinality,
    pair.group_key,
    pair.member,
    pair.place,
    true as is_billing_customer_known,
    true as names_billing,
    false as is_billed_customer,
    billing.status as billing_status,
    ledger.status as ledger_status,
    billing.currency as billing_currency,
    ledger.currency as ledger_currency,
    billing.total_amount as billing_total,
    ledger.total_amount as ledger_total,
    billing.tax_amount as billing_tax,
    ledger.tax_amount as ledger_tax,
    billing.open_amount as billing_open,
    ledger.open_amount as ledger_open,
    billing.total_amount as billing_amount,
    ledger.total_amount as ledger_amount,
    coalesce(credits.credited_amount, 0) as credited_amount,
    {{ invoice_tolerance('billing.line_count', 'billing.total_minor', policy) }} as tolerance,
    coalesce(billing.invoice_date, ledger.invoice_date) as invoice_date,
    coalesce(billing.due_date, ledger.due_date) as due_date,
    billing.finalized_at,
    coalesce(billing.status_changed_at, ledger.created_at) as since,
    pair.class = 'matched' as is_past_grace,
    abs(billing.total_amount - ledger.total_amount) as total_difference,
    abs(billing.tax_amount - ledger.tax_amount) as tax_difference,
    abs((billing.total_amount - billing.tax_amount) - (ledger.total_amount - ledger.tax_amount)) as net_difference,
    pair.class,
    case pair.class when 'timing' then 'in grace' end as reason,
    case pair.class when 'matched' then 'matched' else 'not_compared' end as status_class,
    coalesce(ledger.company_id, billing.company_id, {{ told_of_connection('ledger.connection', var('legal_entities', {})) }}) as company_id,
    coalesce(billing.region, ledger.region) as region
from {{ ref('invoice_pair') }} as pair
inner join {{ ref('invoice') }} as billing on pair.billing_key = billing.invoice_key
inner join {{ ref('invoice') }} as ledger on pair.ledger_key = ledger.invoice_key
left join units as unit on billing.system = unit.system and billing.currency = unit.currency
left join credits on billing.connection = credits.connection and billing.invoice_id = credits.billing_invoice_id
where pair.class is not null

union all

select * from {{ ref('invoice_difference') }}
