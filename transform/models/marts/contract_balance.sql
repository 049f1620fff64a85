-- what a contract is worth by the prices of its subscriptions, and what of that has been invoiced, paid and credited
with links as (
    select distinct
        pair.contract_connection || ':' || pair.contract_id as contract_key,
        pair.subscription_connection || ':' || pair.subscription_id as subscription_key
    from {{ ref('reconciled_contract') }} as pair
    where pair.contract_id is not null and pair.subscription_id is not null
),

credits as (
    select connection, billing_invoice_id, currency, sum(total_amount) as credited_amount
    from {{ ref('credit_note') }}
    where role = 'billing' and status in ('issued', 'open', 'applied') and billing_invoice_id is not null
    group by connection, billing_invoice_id, currency
),

invoiced as (
    select
        document.connection || ':' || document.subscription_id as subscription_key,
        document.currency,
        count(*) as invoice_count,
        sum(document.total_amount - coalesce(document.tax_amount, 0)) as invoiced_amount,
        sum(document.tax_amount) as tax_amount,
        sum(document.paid_amount) as paid_amount,
        sum(document.open_amount) as open_amount,
        sum(credits.credited_amount) as credited_amount,
        max(document.invoice_date) as last_invoiced_on
    from {{ ref('invoice') }} as document
    left join credits
        on document.connection = credits.connection and document.invoice_id = credits.billing_invoice_id and document.currency = credits.currency
    where document.role = 'billing' and document.subscription_id is not null and coalesce(document.status, '') not in ('draft', 'void')
    group by document.connection, document.subscription_id, document.currency
),

-- a subscription is worth its price for every period of the contract, the last one counted as far as it goes
worth as (
    select
        links.contract_key,
        agreement.subscription_key,
        agreement.currency,
        agreement.period_amount * {{ dbt.datediff('contract.start_date', dbt.dateadd('day', 1, 'contract.end_date'), 'month') }} / nullif(agreement.period_months, 0) as amount
    from links
    inner join {{ ref('contract') }} as contract on links.contract_key = contract.contract_key
    inner join {{ ref('subscription') }} as agreement on links.subscription_key = agreement.subscription_key
),

parts as (
    select contract_key, currency, amount, cast(null as bigint) as invoice_count, null as invoiced_amount, null as tax_amount, null as paid_amount,
        null as open_amount, null as credited_amount, cast(null as date) as last_invoiced_on
    from worth
    where currency is not null
    union all
    select links.contract_key, invoiced.currency, null, invoiced.invoice_count, invoiced.invoiced_amount, invoiced.tax_amount, invoiced.paid_amount,
        invoiced.open_amount, invoiced.credited_amount, invoiced.last_invoiced_on
    from invoiced
    inner join links on invoiced.subscription_key = links.subscription_key
    where invoiced.currency is not null
),

balances as (
    select
        contract_key,
        currency,
        {{ money('sum(amount)') }} as contract_amount,
        {{ money('coalesce(sum(invoiced_amount), 0)') }} as invoiced_amount,
        {{ money('coalesce(sum(tax_amount), 0)') }} as tax_amount,
        {{ money('coalesce(sum(paid_amount), 0)') }} as paid_amount,
        {{ money('coalesce(sum(open_amount), 0)') }} as open_amount,
        {{ money('coalesce(sum(credited_amount), 0)') }} as credited_amount,
        cast(coalesce(sum(invoice_count), 0) as bigint) as invoice_count,
        max(last_invoiced_on) as last_invoiced_on
    from parts
    group by contract_key, currency
)

select
    contract.contract_key,
    contract.connection,
    contract.contract_id,
    contract.number,
    contract.customer_id,
    customer.name as customer_name,
    contract.status,
    contract.tier,
    balances.currency,
    balances.contract_amount,
    balances.invoiced_amount,
    balances.tax_amount,
    balances.paid_amount,
    balances.open_amount,
    balances.credited_amount,
    {{ money('balances.contract_amount - balances.invoiced_amount + balances.credited_amount') }} as remaining_amount,
    coalesce(balances.invoice_count, 0) as invoice_count,
    contract.start_date,
    contract.end_date,
    balances.last_invoiced_on
from {{ ref('contract') }} as contract
left join balances on contract.contract_key = balances.contract_key
left join {{ ref('customer') }} as customer on contract.customer_id = customer.customer_id
