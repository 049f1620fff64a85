select
    pair.customer_id,
    customer.name as customer_name,
    pair.support_connection,
    pair.support_record_id,
    pair.subscription_connection,
    pair.subscription_id,
    pair.class,
    pair.is_covered,
    pair.owner_tier,
    pair.observed_tier,
    pair.exposure,
    pair.currency,
    pair.owner_start_date,
    pair.owner_end_date,
    pair.observed_start_date,
    pair.observed_end_date,
    pair.since,
    pair.observed_at
from {{ ref('reconciled_entitlement') }} as pair
inner join {{ ref('customer') }} as customer on pair.customer_id = customer.customer_id
