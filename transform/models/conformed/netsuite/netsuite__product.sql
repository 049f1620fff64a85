select
    connection,
    item_id as product_id,
    sku,
    name,
    cast(null as {{ sql_type('string') }}) as tier_raw,
    not coalesce(is_inactive, false) as is_active,
    created_at
from {{ ref('stg_netsuite__items') }}
where not is_removed
