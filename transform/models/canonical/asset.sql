with assets as (
    {{ conformed('asset') }}
)

select
    document.connection || ':' || document.asset_id as asset_key,
    document.connection,
    document.asset_id,
    link.customer_id,
    document.product_id,
    document.sku,
    document.name,
    document.serial_number,
    {{ decoded('asset', 'status', 'document.system', 'document.status_raw') }} as status,
    document.status_raw,
    document.installed_date,
    document.cover_end_date,
    document.updated_at
from assets as document
left join {{ ref('crosswalk') }} as link on document.connection = link.connection and document.customer_record_id = link.record_id
