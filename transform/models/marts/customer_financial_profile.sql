with invoices as (
    select
        customer_id,
        count(*) filter (where role = 'billing') as invoice_count,
        count(*) filter (where role = 'billing' and status = 'open') as open_invoice_count,
        max(finalized_at) filter (where role = 'billing') as last_invoiced_at
    from {{ ref('invoice') }}
    where customer_id is not null
    group by customer_id
),

payments as (
    select customer_id, max(paid_at) as last_paid_at
    from {{ ref('payment') }}
    where role = 'billing' and status = 'succeeded' and customer_id is not null
    group by customer_id
),

cases as (
    select customer_id, count(*) as open_case_count from {{ ref('support_case') }} where is_open and customer_id is not null group by customer_id
),

findings as (
    -- findings of one customer may be in several currencies
    select
        finding.golden_customer_id as customer_id,
        count(*) as finding_count,
        {{ money("sum(case when finding.severity <> 'warn' then " ~ in_reporting_currency('finding.exposure', 'finding.currency') ~ " end)") }} as exposure
    from {{ ref('drift') }} as finding
    {{ reporting_joins('finding.currency', as_of()) }}
    where finding.golden_customer_id is not null
    group by finding.golden_customer_id
),

records as (
    select
        customer_id,
        count(*) as record_count,
        max(case when role = 'crm' and is_primary then record_id end) as crm_record_id,
        max(case when role = 'billing' and is_primary then record_id end) as billing_record_id,
        max(case when role = 'support' and is_primary then record_id end) as support_record_id
    from {{ ref('crosswalk') }}
    group by customer_id
)

select
    customer.customer_id,
    customer.customer_number,
    customer.name,
    customer.country,
    customer.currency,
    customer.owner_record_id as erp_record_id,
    records.crm_record_id,
    records.billing_record_id,
    records.support_record_id,
    customer.is_active,
    customer.is_on_hold,
    cover.tier as entitlement_tier,
    coalesce(cover.is_covered, false) as is_covered,
    customer.credit_limit,
    customer.balance,
    customer.overdue_amount,
    customer.overdue_days,
    customer.credit_limit - customer.balance as available_credit,
    coalesce(invoices.invoice_count, 0) as invoice_count,
    coalesce(invoices.open_invoice_count, 0) as open_invoice_count,
    coalesce(cases.open_case_count, 0) as open_case_count,
    coalesce(findings.finding_count, 0) as finding_count,
    findings.exposure as finding_exposure,
    cover.start_date as entitlement_start_date,
    cover.end_date as entitlement_end_date,
    invoices.last_invoiced_at,
    payments.last_paid_at,
    customer.updated_at,
    {{ as_of() }} as as_of
from {{ ref('customer') }} as customer
left join records on customer.customer_id = records.customer_id
left join {{ ref('entitlement') }} as cover on customer.customer_id = cover.customer_id
left join invoices on customer.customer_id = invoices.customer_id
left join payments on customer.customer_id = payments.customer_id
left join cases on customer.customer_id = cases.customer_id
left join findings on customer.customer_id = findings.customer_id
