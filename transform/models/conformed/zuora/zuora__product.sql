select
    connection,
    product_id,
    sku,
    name,
    nullif(tier_raw, '') as tier_raw,
    coalesce(effective_end_date > cast(updated_at as date), true) and coalesce(state_raw, '') <> 'retired' as is_active,
    created_at
from {{ ref('stg_zuora__products') }}
where not is_removed
