-- an item is released to each company and is one product
select
    connection,
    item_number as product_id,
    nullif(product_number, '') as sku,
    coalesce(nullif(product_search_name, ''), search_name) as name,
    cast(null as {{ sql_type('string') }}) as tier_raw,
    coalesce(lifecycle_state, '') <> 'Obsolete' as is_active,
    cast(null as {{ sql_type('timestamp') }}) as created_at
from {{ ref('stg_dynamics365_finance__products') }}
where not is_removed
qualify row_number() over (partition by connection, item_number order by company_id) = 1
