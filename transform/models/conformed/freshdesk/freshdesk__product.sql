select
    connection,
    product_id,
    nullif(description, '') as sku,
    name,
    cast(null as {{ sql_type('string') }}) as tier_raw,
    true as is_active,
    created_at
from {{ ref('stg_freshdesk__products') }}
where not is_removed
