{{ config(unique_key=['connection', 'version_number', 'company_id']) }}

with source as (
    {{ landing('dynamics365_finance', 'shipments') }}
),

renamed as (
    select
        _connection as connection,
        version_number,
        data_area_id as company_id,
        shipment_id,
        load_id,
        country_id,
        warehouse_id,
        carrier_id,
        carrier_service_id,
        packing_slip_number,
        customer_account,
        customer_reference,
        city,
        postcode,
        delivery_terms,
        is_active = 'Yes' as is_active,
        delivered_on,
        document_date,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
