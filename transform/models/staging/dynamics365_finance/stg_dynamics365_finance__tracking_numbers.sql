{{ config(unique_key=['connection', 'packing_slip_number', 'company_id', 'sales_order_number', 'delivery_date', 'tracking_number']) }}

with source as (
    {{ landing('dynamics365_finance', 'tracking_numbers') }}
),

renamed as (
    select
        _connection as connection,
        packing_slip_number,
        data_area_id as company_id,
        sales_order_number,
        delivery_date,
        tracking_number,
        tracking_url,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
