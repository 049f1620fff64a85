{{ config(unique_key=['connection', 'delivery_id']) }}

with landed as (
    {{ landing('sap_s4hana', 'outbound_deliveries') }}
),

-- the same number comes with or without leading zeros, and a day and its time of day apart
source as (
    select
        *,
        regexp_replace(delivery_document, '^0+([0-9]+)$', {{ first_group() }}) as bare_delivery_document,
        regexp_replace(customer, '^0+([0-9]+)$', {{ first_group() }}) as bare_customer,
        regexp_replace(ship_to, '^0+([0-9]+)$', {{ first_group() }}) as bare_ship_to,
        cast(cast(goods_movement_date as {{ dbt.type_string() }}) || ' ' || substr(goods_movement_time, 3, 2) || ':' || substr(goods_movement_time, 6, 2) || ':' || substr(goods_movement_time, 9, 2) as {{ sql_type('timestamp') }}) as goods_movement_date_moment,
        cast(cast(creation_date as {{ dbt.type_string() }}) || ' ' || substr(creation_time, 3, 2) || ':' || substr(creation_time, 6, 2) || ':' || substr(creation_time, 9, 2) as {{ sql_type('timestamp') }}) as creation_date_moment
    from landed
),

renamed as (
    select
        _connection as connection,
        bare_delivery_document as delivery_id,
        delivery_document_type,
        sales_organization as sales_organization_id,
        shipping_point,
        bare_customer as customer_id,
        bare_ship_to as ship_to_id,
        document_date,
        delivery_date,
        planned_goods_issue_date,
        goods_movement_date,
        goods_movement_date_moment as goods_moved_at,
        picking_date,
        proof_of_delivery_date,
        bill_of_lading,
        actual_delivery_route,
        means_of_transport,
        external_transport_system,
        packages,
        process_status,
        picking_status,
        packing_status,
        goods_movement_status,
        billing_status,
        proof_of_delivery_status,
        warehouse_status,
        credit_check_status,
        block_status,
        delivery_block_reason,
        billing_block_reason,
        created_by,
        creation_date as created_date,
        creation_date_moment as created_at,
        last_changed_by,
        last_change_date as changed_date,
        delivery_version,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
