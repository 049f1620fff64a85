with assets as (
    {{ conformed('asset') }}
)

select
    document.connection || ':' || document.asset_id as asset_key,
    document.connection,
    document.asset_id,
    link.customer_id,
    {{ legal_entity_of('null', 'document.connection') }} as company_id,
    {{ region_of_connection('document.connection') }} as region,
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
