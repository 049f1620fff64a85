{{ config(unique_key=['connection', 'version_number', 'company_id', 'inventory_lot_id']) }}

with source as (
    {{ landing('dynamics365_finance', 'shipment_lines') }}
),

renamed as (
    select
        _connection as connection,
        version_number,
        data_area_id as company_id,
        inventory_lot_id,
        sales_order_number,
        item_number,
        unit,
        line_number,
        ordered_quantity,
        shipped_quantity,
        handled_quantity,
        remaining_quantity,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
