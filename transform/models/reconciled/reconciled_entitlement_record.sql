-- the support desk's own objects of cover, one row a customer and desk: the one that grants cover longest speaks
with records as (
    select
        record.*,
        {{ role_of_connection('record.connection') }} as role,
        coalesce(record.status, 'active') = 'active'
            and (record.end_date is null or record.end_date >= cast({{ as_of() }} as date)) as is_granting
    from {{ ref('entitlement_record') }} as record
    where record.customer_id is not null and record.asset_id is null
),

speaking as (
    select *
    from records
    where role = 'support'
    qualify row_number() over (
        partition by connection, customer_id order by case when is_granting then 0 else 1 end, end_date desc, entitlement_key) = 1
),

billed as (
    select distinct customer_id from {{ ref('crosswalk') }} where role = 'billing'
),

unknown as (
    select distinct customer_id from {{ ref('subscription') }} where status is null and customer_id is not null
),

pairs as (
    select
        record.entitlement_key as pair_key,
        record.customer_id,
        coalesce('subscription:' || owner.subscription_id, 'customer:' || record.customer_id) as correlation_id,
        owner.subscription_connection,
        owner.subscription_id,
        record.connection as support_connection,
        record.entitlement_id,
        coalesce(owner.is_covered, false) as is_covered,
        owner.subscription_id is not null or unknown.customer_id is null as is_known,
        record.is_granting,
        coalesce(owner.tier, owner.last_tier) as owner_tier,
        record.tier as observed_tier,
        record.tier_raw as observed_tier_raw,
        owner.end_date as owner_end_date,
        record.end_date as observed_end_date,
        owner.period_amount as exposure,
        owner.currency,
        coalesce(owner.updated_at, record.updated_at) as since
    from speaking as record
    inner join billed on record.customer_id = billed.customer_id
    left join {{ ref('entitlement') }} as owner on record.customer_id = owner.customer_id
    left join unknown on record.customer_id = unknown.customer_id
)

select
    pair_key,
    customer_id,
    correlation_id,
    subscription_connection,
    subscription_id,
    support_connection,
    entitlement_id,
    is_covered,
    is_granting,
    owner_tier,
    observed_tier,
    owner_end_date,
    observed_end_date,
    exposure,
    currency,
    since,
    case
        when not is_known then 'unknown'
        when is_covered and not is_granting then 'missing'
        when is_covered and observed_tier is null and observed_tier_raw is not null then 'unmapped'
        when is_covered and observed_tier <> owner_tier then 'tier'
        when is_covered and abs({{ days_between('owner_end_date', 'observed_end_date') }}) > 1 then 'dates'
        when is_covered then 'covered'
        when is_granting and (observed_end_date is null or owner_end_date is null or observed_end_date > owner_end_date) then 'lapsed_but_entitled'
        else 'not_covered'
    end as class
from pairs
