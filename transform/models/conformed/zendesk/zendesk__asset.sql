select
    connection,
    asset_id,
    organization_id as customer_record_id,
    cast(null as {{ sql_type('string') }}) as product_id,
    sku,
    name,
    serial_number,
    status_raw,
    installed_date,
    cover_end_date,
    updated_at
from {{ ref('stg_zendesk__assets') }}
where not is_removed
