with priced as (
    select connection, product_id, min(created_at) as created_at, min(sku) as sku
    from {{ ref('stg_chargebee__item_prices') }}
    group by connection, product_id
)

select
    item.connection,
    item.product_id,
    coalesce(nullif(item.sku, ''), nullif(priced.sku, '')) as sku,
    item.name,
    nullif(item.tier_raw, '') as tier_raw,
    coalesce(item.status_raw, 'active') = 'active' as is_active,
    priced.created_at
from {{ ref('stg_chargebee__items') }} as item
left join priced on item.connection = priced.connection and item.product_id = priced.product_id
where not item.is_removed
