-- the business chain of every invoice document, and whether the other side lacks it: asked by what names invoices, kept because several ask
with agreed as (
    select pair.billing_key, pair.ledger_key, {{ invoice_correlation() }} as correlation_id
    from {{ ref('invoice_pair') }} as pair
    inner join {{ ref('invoice') }} as billing on pair.billing_key = billing.invoice_key
    inner join {{ ref('invoice') }} as ledger on pair.ledger_key = ledger.invoice_key
    where pair.class is not null
),

others as (
    select billing_connection || ':' || billing_invoice_id as invoice_key, correlation_id, class = 'missing_in_erp' as is_missing
    from {{ ref('invoice_difference') }}
    where billing_invoice_id is not null
    union all
    select ledger_connection || ':' || ledger_invoice_id, correlation_id, class = 'missing_in_billing'
    from {{ ref('invoice_difference') }}
    where ledger_invoice_id is not null
)

select billing_key as invoice_key, correlation_id, false as is_missing from agreed
union all
select ledger_key, correlation_id, false from agreed
union all
-- of several pairs the first chain
select invoice_key, min(correlation_id), max(case when is_missing then 1 else 0 end) = 1 from others group by invoice_key
