select
    document.connection,
    document.asset_id,
    coalesce(document.account_id, document.company_id) as customer_record_id,
    document.product_id,
    model.sku,
    coalesce(document.display_name, document.asset_tag) as name,
    document.serial_number,
    document.status_raw,
    cast(document.installed_at as date) as installed_date,
    document.warranty_expiration_date as cover_end_date,
    document.updated_at
from {{ ref('stg_servicenow__assets') }} as document
left join {{ ref('stg_servicenow__products') }} as model
    on document.connection = model.connection and document.product_id = model.product_id
where not document.is_removed
