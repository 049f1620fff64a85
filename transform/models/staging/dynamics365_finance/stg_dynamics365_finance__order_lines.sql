{{ config(unique_key=['connection', 'inventory_lot_id', 'company_id']) }}

with source as (
    {{ landing('dynamics365_finance', 'order_lines') }}
),

renamed as (
    select
        _connection as connection,
        inventory_lot_id,
        data_area_id as company_id,
        shipping_site_id,
        shipping_warehouse_id,
        configuration_id,
        color_id,
        size_id,
        style_id,
        sales_order_number,
        item_number,
        description,
        unit,
        currency,
        status as status_raw,
        sales_tax_group,
        external_item_number,
        line_reference,
        is_stopped = 'Yes' as is_stopped,
        credit_note_reason_code,
        line_number,
        line_sequence,
        quantity,
        unit_price,
        price_quantity,
        amount,
        discount_amount,
        discount_percentage,
        customers_line_number,
        requested_shipping_on,
        confirmed_shipping_on,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
