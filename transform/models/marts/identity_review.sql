-- what a steward works off, the costliest first: money that hangs on a record whose customer is not certain
with owed as (
    select
        invoice.connection,
        invoice.customer_record_id,
        sum(case when invoice.total_amount <> 0 then invoice.reporting_amount * invoice.open_amount / invoice.total_amount else 0 end) as open_amount
    from {{ ref('invoice') }} as invoice
    where invoice.open_amount > 0 and coalesce(invoice.status, '') <> 'void'
    group by invoice.connection, invoice.customer_record_id
),

running as (
    select
        subscription.connection,
        subscription.billing_customer_id as customer_record_id,
        sum({{ in_reporting_currency('subscription.period_amount', 'subscription.currency') }}) as period_amount
    from {{ ref('subscription') }} as subscription
    {{ reporting_joins('subscription.currency', as_of()) }}
    where subscription.is_active
    group by subscription.connection, subscription.billing_customer_id
),

invoiced as (
    select invoice.connection, invoice.customer_record_id, sum(invoice.reporting_amount) as invoiced_amount
    from {{ ref('invoice') }} as invoice
    where coalesce(invoice.status, '') <> 'void'
    group by invoice.connection, invoice.customer_record_id
),

valued as (
    select
        review.*,
        {{ money('coalesce(owed.open_amount, 0) + coalesce(running.period_amount, 0)') }} as at_risk,
        {{ money('coalesce(invoiced.invoiced_amount, 0)') }} as invoiced_amount
    from {{ ref('crosswalk_review') }} as review
    left join owed on review.connection = owed.connection and review.record_id = owed.customer_record_id
    left join running on review.connection = running.connection and review.record_id = running.customer_record_id
    left join invoiced on review.connection = invoiced.connection and review.record_id = invoiced.customer_record_id
)

select
    valued.record_key,
    valued.connection,
    valued.record_id,
    valued.name,
    valued.candidate_customer_id,
    customer.name as candidate_name,
    valued.method,
    valued.score,
    valued.at_risk,
    valued.invoiced_amount,
    reporting.currency as reporting_currency,
    valued.evidence,
    valued.explanation
from valued
left join {{ ref('customer') }} as customer on valued.candidate_customer_id = customer.customer_id
left join {{ ref('reporting_currency') }} as reporting on 1 = 1
