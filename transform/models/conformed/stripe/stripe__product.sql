select
    connection,
    product_id,
    sku,
    name,
    nullif(tier_raw, '') as tier_raw,
    is_active,
    created_at
from {{ ref('stg_stripe__products') }}
where not is_removed
