{{ config(materialized='view') }}
{%- set columns = model['columns'].keys() | join(', ') -%}
{%- set policy = contract()['invoice'] -%}
-- pairs that agree at first sight are put together when they are read: written out, they would be as large as all invoices
with credits as (
    {{ credited_invoices() }}
),

units as (
    {{ invoice_units() }}
),

agreed as (
    select
        pair.billing_key || ' / ' || pair.ledger_key as pair_key,
        billing.customer_id,
        billing.connection as billing_connection,
        ledger.connection as ledger_connection,
        {{ paired_invoices() }},
        true as is_billing_customer_known,
        true as names_billing,
        false as is_billed_customer,
        billing.total_amount as billing_amount,
        ledger.total_amount as ledger_amount,
        {{ invoice_tolerance('billing.line_count', 'billing.total_minor', policy) }} as tolerance,
        pair.class = 'matched' as is_past_grace,
        abs(billing.total_amount - ledger.total_amount) as total_difference,
        abs(billing.tax_amount - ledger.tax_amount) as tax_difference,
        abs((billing.total_amount - billing.tax_amount) - (ledger.total_amount - ledger.tax_amount)) as net_difference,
        pair.class,
        case pair.class when 'timing' then 'in grace' end as reason,
        case pair.class when 'matched' then 'matched' else 'not_compared' end as status_class,
        {{ legal_entity_of('coalesce(ledger.company_id, billing.company_id)', 'ledger.connection') }} as company_id
    from {{ ref('invoice_pair') }} as pair
    inner join {{ ref('invoice') }} as billing on pair.billing_key = billing.invoice_key
    inner join {{ ref('invoice') }} as ledger on pair.ledger_key = ledger.invoice_key
    left join units as unit on billing.currency = unit.currency
    left join credits on billing.connection = credits.connection and billing.invoice_id = credits.billing_invoice_id
    where pair.class is not null
)

select {{ columns }} from agreed
union all
select {{ columns }} from {{ ref('invoice_difference') }}
