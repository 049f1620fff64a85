select
    connection,
    asset_id,
    company_id as customer_record_id,
    cast(null as {{ sql_type('string') }}) as product_id,
    product_sku as sku,
    name,
    serial_number,
    status_raw,
    installed_date,
    cover_end_date,
    updated_at
from {{ ref('stg_freshdesk__assets') }}
where not is_removed
