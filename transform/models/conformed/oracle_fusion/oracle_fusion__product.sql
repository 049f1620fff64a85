{#- One row an item: Fusion keeps one for each inventory organisation. -#}
select
    connection,
    item_id as product_id,
    min(item_number) as sku,
    min(name) as name,
    cast(null as {{ sql_type('string') }}) as tier_raw,
    max(case when status_raw = 'Active' then 1 else 0 end) = 1 as is_active,
    min(created_at) as created_at
from {{ ref('stg_oracle_fusion__items') }}
where not is_removed
group by connection, item_id
