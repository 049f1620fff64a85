-- without a billing record, or with a status that nobody can read, there is nothing to hold support against
with billed as (
    select distinct customer_id from {{ ref('crosswalk') }} where role = 'billing'
),

unknown as (
    select distinct customer_id from {{ ref('subscription') }} where status is null and customer_id is not null
),

pairs as (
    select
        observed.customer_id,
        observed.connection as support_connection,
        observed.record_id as support_record_id,
        owner.subscription_connection,
        owner.subscription_id,
        coalesce(owner.is_covered, false) as is_covered,
        owner.subscription_id is not null or unknown.customer_id is null as is_known,
        owner.tier as owner_tier,
        owner.last_tier,
        owner.start_date as owner_start_date,
        owner.end_date as owner_end_date,
        observed.entitlement_tier as observed_tier,
        observed.entitlement_tier_raw as observed_tier_raw,
        observed.entitlement_start_date as observed_start_date,
        observed.entitlement_end_date as observed_end_date,
        owner.period_amount as exposure,
        owner.currency,
        owner.updated_at as since,
        observed.changed_at as observed_at
    from {{ ref('account_state') }} as observed
    inner join billed on observed.customer_id = billed.customer_id
    left join {{ ref('entitlement') }} as owner on observed.customer_id = owner.customer_id
    left join unknown on observed.customer_id = unknown.customer_id
    where observed.role = 'support' and observed.is_primary
)

select
    *,
    case
        when not is_known then 'unknown'
        when observed_tier is null and observed_tier_raw is not null then 'unmapped'
        when is_covered and observed_tier is null then 'missing'
        when is_covered and observed_tier <> owner_tier then 'tier'
        when is_covered
            and (observed_start_date is distinct from owner_start_date or observed_end_date is distinct from owner_end_date) then 'dates'
        when is_covered then 'covered'
        when observed_tier is not null
            and (observed_end_date is null or observed_end_date >= cast({{ as_of() }} as date))
            and (observed_end_date is null or owner_end_date is null or observed_end_date > owner_end_date) then 'lapsed_but_entitled'
        else 'not_covered'
    end as class
from pairs
