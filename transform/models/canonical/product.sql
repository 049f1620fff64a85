with products as (
    select connection, item_id as product_id, sku, name, cast(null as varchar) as tier, cast(null as varchar) as tier_raw,
        not coalesce(is_inactive, false) as is_active, created_at
    from {{ ref('stg_netsuite__items') }}
    where not is_removed

    union all

    select connection, product_id, sku, name, null as tier, null as tier_raw, is_active, created_at
    from {{ ref('stg_salesforce__products') }}
    where not is_removed

    union all

    select connection, product_id, sku, name, {{ value_of('product', 'tier', 'stripe', 'tier_raw') }} as tier, nullif(tier_raw, '') as tier_raw,
        is_active, created_at
    from {{ ref('stg_stripe__products') }}
    where not is_removed
)

select
    connection || ':' || product_id as product_key,
    connection,
    product_id,
    sku,
    name,
    tier,
    tier_raw,
    is_active,
    created_at
from products
