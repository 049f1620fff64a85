select
    connection,
    asset_id,
    account_id as customer_record_id,
    product_id,
    sku,
    name,
    serial_number,
    status_raw,
    installed_date,
    cover_end_date,
    last_modified_at as updated_at
from {{ ref('stg_salesforce_service__assets') }}
where not is_removed
