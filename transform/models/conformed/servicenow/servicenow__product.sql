select
    connection,
    product_id,
    sku,
    coalesce(display_name, name) as name,
    cast(null as {{ sql_type('string') }}) as tier_raw,
    coalesce(lower(status_raw) <> 'retired', true) as is_active,
    created_at
from {{ ref('stg_servicenow__products') }}
where not is_removed
