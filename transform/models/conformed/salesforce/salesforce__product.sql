select
    connection,
    product_id,
    sku,
    name,
    cast(null as {{ sql_type('string') }}) as tier_raw,
    is_active,
    created_at
from {{ ref('stg_salesforce__products') }}
where not is_removed
