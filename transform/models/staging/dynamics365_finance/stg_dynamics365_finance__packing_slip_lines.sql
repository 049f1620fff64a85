{{ config(unique_key=['connection', 'source_document_line', 'company_id']) }}

with source as (
    {{ landing('dynamics365_finance', 'packing_slip_lines') }}
),

renamed as (
    select
        _connection as connection,
        cast(source_document_line as {{ dbt.type_string() }}) as source_document_line,
        data_area_id as company_id,
        packing_slip_id,
        inventory_lot_id,
        sales_order_number,
        item_number,
        name,
        unit,
        ordered_quantity,
        quantity,
        remaining_quantity,
        delivery_date,
        confirmed_shipping_on,
        created_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
