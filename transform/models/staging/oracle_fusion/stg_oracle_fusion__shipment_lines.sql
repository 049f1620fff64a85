{{ config(unique_key=['connection', 'shipment_line_id']) }}

with source as (
    {{ landing('oracle_fusion', 'shipment_lines') }}
),

renamed as (
    select
        _connection as connection,
        cast(shipment_line_id as {{ dbt.type_string() }}) as shipment_line_id,
        shipment_number,
        order_type,
        order_number,
        order_line,
        source_order,
        source_order_line,
        cast(fulfill_line_id as {{ dbt.type_string() }}) as order_line_id,
        cast(item_id as {{ dbt.type_string() }}) as item_id,
        item_number,
        description,
        requested_quantity,
        uom,
        shipped_quantity,
        delivered_quantity,
        backordered_quantity,
        cancelled_quantity,
        picked_quantity,
        status_code as status_raw,
        status_name,
        tracking_number,
        shipped_at,
        scheduled_ship_at,
        selling_price,
        upper(currency) as currency,
        legal_entity,
        cast(legal_entity_id as {{ dbt.type_string() }}) as legal_entity_id,
        business_unit,
        organization_code,
        cast(party_id as {{ dbt.type_string() }}) as customer_id,
        updated_by,
        created_at,
        updated_at,
        coalesce(updated_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
