-- what a contract is worth by the prices of its subscriptions, and what of that has been invoiced, paid and credited
with links as (
    select distinct
        pair.contract_connection || ':' || pair.contract_id as contract_key,
        pair.subscription_connection || ':' || pair.subscription_id as subscription_key,
        pair.contract_status,
        pair.contract_start_date
    from {{ ref('reconciled_contract') }} as pair
    where pair.contract_id is not null and pair.subscription_id is not null
),

credits as (
    select connection, billing_invoice_id, currency, sum(total_amount) as credited_amount
    from {{ ref('credit_note') }}
    where role = 'billing' and status in ('issued', 'open', 'applied') and billing_invoice_id is not null
    group by connection, billing_invoice_id, currency
),

-- a subscription that goes on under a renewal belongs to both contracts: each invoice counts for the one that had begun last
documents as (
    select
        links.contract_key,
        document.currency,
        document.total_amount,
        document.tax_amount,
        document.paid_amount,
        document.open_amount,
        document.invoice_date,
        credits.credited_amount,
        -- credit notes tell no tax: they give back the part of it that their invoice has
        cast(credits.credited_amount as double) * coalesce(1 - cast(document.tax_amount as double) / nullif(cast(document.total_amount as double), 0), 1) as net_credit,
        coalesce(unit.minor_units, 2) as minor_units
    from {{ ref('invoice') }} as document
    inner join links on document.connection || ':' || document.subscription_id = links.subscription_key
    left join credits
        on document.connection = credits.connection and document.invoice_id = credits.billing_invoice_id and document.currency = credits.currency
    left join ({{ minor_units() }}) as unit on document.currency = unit.currency
    where document.role = 'billing' and document.currency is not null and coalesce(document.status, '') not in ('draft', 'void')
    qualify row_number() over (
        partition by document.invoice_key
        order by
            case when links.contract_start_date <= document.invoice_date then 0 else 1 end,
            case when links.contract_start_date <= document.invoice_date then links.contract_start_date end desc nulls last,
            links.contract_start_date,
            case when links.contract_status = 'activated' then 0 else 1 end,
            links.contract_key
    ) = 1
),

invoiced as (
    select
        contract_key,
        currency,
        count(*) as invoice_count,
        sum(total_amount - coalesce(tax_amount, 0)) as invoiced_amount,
        sum(tax_amount) as tax_amount,
        sum(paid_amount) as paid_amount,
        sum(open_amount) as open_amount,
        sum(credited_amount) as credited_amount,
        sum({{ rounded_to_coin('net_credit', 'minor_units') }}) as net_credited_amount,
        max(invoice_date) as last_invoiced_on
    from documents
    group by contract_key, currency
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
        null as open_amount, null as credited_amount, null as net_credited_amount, cast(null as date) as last_invoiced_on
    from worth
    where currency is not null
    union all
    select contract_key, currency, null, invoice_count, invoiced_amount, tax_amount, paid_amount, open_amount, credited_amount, net_credited_amount,
        last_invoiced_on
    from invoiced
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
        {{ money('coalesce(sum(net_credited_amount), 0)') }} as net_credited_amount,
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
    {{ money('balances.contract_amount - balances.invoiced_amount + balances.net_credited_amount') }} as remaining_amount,
    coalesce(balances.invoice_count, 0) as invoice_count,
    contract.start_date,
    contract.end_date,
    balances.last_invoiced_on
from {{ ref('contract') }} as contract
left join balances on contract.contract_key = balances.contract_key
left join {{ ref('customer') }} as customer on contract.customer_id = customer.customer_id
