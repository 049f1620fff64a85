{{ config(unique_key=['connection', 'shipment_id']) }}

with source as (
    {{ landing('oracle_fusion', 'shipments') }}
),

renamed as (
    select
        _connection as connection,
        cast(delivery_id as {{ dbt.type_string() }}) as shipment_id,
        shipment_number as number,
        status_code as status_raw,
        status_name,
        cast(organization_id as {{ dbt.type_string() }}) as organization_id,
        organization_code,
        planned_date,
        planned_at,
        due_at,
        shipped_date,
        shipped_at,
        confirmed_date,
        confirmed_at,
        delivered_at,
        carrier,
        carrier_number,
        waybill,
        bill_of_lading,
        packing_slip,
        cast(party_id as {{ dbt.type_string() }}) as customer_id,
        account_number,
        cast(ship_to_party_id as {{ dbt.type_string() }}) as ship_to_party_id,
        ship_to_account_number,
        ship_to_city,
        ship_to_postal_code,
        ship_to_country,
        ship_to_name,
        sold_to_name,
        asn_status,
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
