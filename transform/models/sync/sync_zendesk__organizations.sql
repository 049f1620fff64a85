{%- set fields = target_fields({
    'erp_customer_id': 'erp_id', 'credit_status': 'credit_status', 'erp_balance': 'erp_balance', 'overdue_amount': 'overdue_amount',
    'overdue_days': 'overdue_days', 'tier': 'entitlement_tier', 'start_date': 'entitlement_start', 'end_date': 'entitlement_end',
}) -%}
with desired as (
    select * from {{ ref('desired_customer_state') }}
),

observed as (
    select
        link.customer_id,
        organization.connection,
        organization.organization_id as record_id,
        nullif(organization.erp_customer_id, '') as erp_customer_id,
        nullif(organization.credit_status_raw, '') as credit_status,
        organization.erp_balance,
        organization.overdue_amount,
        organization.overdue_days,
        nullif(organization.entitlement_tier_raw, '') as tier,
        organization.entitlement_start_date as start_date,
        organization.entitlement_end_date as end_date,
        organization.updated_at
    from {{ ref('stg_zendesk__organizations') }} as organization
    inner join {{ ref('crosswalk') }} as link
        on organization.connection = link.connection and organization.organization_id = link.record_id and link.is_primary
    where not organization.is_removed
)

select
    observed.connection,
    'organization' as object,
    observed.record_id,
    {{ json_fields(fields, 'desired') }} as desired_fields,
    {{ json_fields(fields, 'observed') }} as observed_fields,
    {{ iso_text('observed.updated_at', '%Y-%m-%dT%H:%M:%SZ') }} as observed_version,
    desired.source_commit_at,
    'customer:' || desired.customer_id as correlation_id,
    desired.customer_id as golden_customer_id,
    case
        when {{ any_differs(fields, ['credit_status']) }} then 1
        when {{ any_differs(fields, ['entitlement_tier', 'entitlement_start', 'entitlement_end']) }} then 2
        else 3
    end as priority,
    desired.is_over_approval_limit and {{ any_differs(fields, ['credit_status']) }} as needs_approval,
    desired.exposure,
    desired.currency
from desired
inner join observed on desired.customer_id = observed.customer_id
