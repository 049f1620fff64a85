with products as (
    {{ conformed('product') }}
)

select
    connection || ':' || product_id as product_key,
    connection,
    product_id,
    sku,
    name,
    {{ decoded('product', 'tier', 'system', 'tier_raw') }} as tier,
    tier_raw,
    is_active,
    created_at
from products
