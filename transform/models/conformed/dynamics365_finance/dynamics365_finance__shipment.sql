-- an account number that two companies use stands alone in the one that had it first and with the company in the others
with shared_accounts as (
    select record.connection, record.customer_account, record.company_id as first_company_id
    from {{ ref('stg_dynamics365_finance__customers') }} as record
    left join {{ ref('stg_dynamics365_finance__customer_stamps') }} as stamp
        on record.connection = stamp.connection and record.company_id = stamp.company_id
            and record.customer_account = stamp.customer_account
    qualify row_number() over (
        partition by record.connection, record.customer_account order by stamp.created_at nulls last, record.company_id
    ) = 1 and count(*) over (partition by record.connection, record.customer_account) > 1
),

shared_orders as (
    select connection, sales_order_number, company_id as first_company_id
    from {{ ref('stg_dynamics365_finance__orders') }}
    qualify row_number() over (
        partition by connection, sales_order_number order by created_at nulls last, company_id
    ) = 1 and count(*) over (partition by connection, sales_order_number) > 1
),

line_orders as (
    select connection, company_id, version_number, min(sales_order_number) as sales_order_number
    from {{ ref('stg_dynamics365_finance__shipment_lines') }}
    where not is_removed
    group by connection, company_id, version_number
),

parcels as (
    select connection, company_id, packing_slip_number, min(tracking_number) as tracking_number
    from {{ ref('stg_dynamics365_finance__tracking_numbers') }}
    where not is_removed
    group by connection, company_id, packing_slip_number
),

deliveries as (
    select
        slip.connection,
        slip.company_id,
        slip.version_number as shipment_id,
        slip.packing_slip_number as number,
        line_orders.sales_order_number,
        slip.customer_account,
        case
            when not slip.is_active then 'Canceled'
            when slip.delivered_on is not null then 'Delivered'
            when slip.document_date is not null then 'Shipped'
            when slip.load_id <> '' then 'Picked'
            else 'Planned'
        end as status_raw,
        slip.carrier_id,
        slip.document_date as shipped_on,
        slip.delivered_on,
        slip.version_at
    from {{ ref('stg_dynamics365_finance__shipments') }} as slip
    left join line_orders
        on slip.connection = line_orders.connection and slip.company_id = line_orders.company_id
            and slip.version_number = line_orders.version_number
    where not slip.is_removed

    union all

    -- packing slips that were posted without a warehouse shipment
    select
        slip.connection,
        slip.company_id,
        slip.source_document_header as shipment_id,
        slip.packing_slip_id as number,
        slip.sales_order_number,
        slip.order_account as customer_account,
        'Shipped' as status_raw,
        slip.carrier_id,
        slip.delivery_date as shipped_on,
        cast(null as {{ sql_type('date') }}) as delivered_on,
        slip.version_at
    from {{ ref('stg_dynamics365_finance__packing_slips') }} as slip
    left join {{ ref('stg_dynamics365_finance__shipments') }} as warehouse
        on slip.connection = warehouse.connection and slip.company_id = warehouse.company_id
            and slip.packing_slip_id = warehouse.packing_slip_number and not warehouse.is_removed
    where not slip.is_removed and warehouse.packing_slip_number is null
)

select
    document.connection,
    document.shipment_id,
    document.number,
    case when sold.first_company_id <> document.company_id then document.company_id || '|' || document.sales_order_number else nullif(document.sales_order_number, '') end as order_id,
    case when account.first_company_id <> document.company_id then document.company_id || '|' || document.customer_account else nullif(document.customer_account, '') end as customer_record_id,
    document.company_id,
    document.status_raw,
    nullif(document.carrier_id, '') as carrier,
    nullif(parcels.tracking_number, '') as tracking_number,
    ordered.confirmed_shipping_on as planned_date,
    cast(document.shipped_on as {{ sql_type('timestamp') }}) as shipped_at,
    cast(document.delivered_on as {{ sql_type('timestamp') }}) as delivered_at,
    document.version_at as updated_at
from deliveries as document
left join {{ ref('stg_dynamics365_finance__orders') }} as ordered
    on document.connection = ordered.connection and document.company_id = ordered.company_id
        and document.sales_order_number = ordered.sales_order_number and not ordered.is_removed
left join parcels
    on document.connection = parcels.connection and document.company_id = parcels.company_id
        and document.number = parcels.packing_slip_number
left join shared_accounts as account
    on document.connection = account.connection and document.customer_account = account.customer_account
left join shared_orders as sold
    on document.connection = sold.connection and document.sales_order_number = sold.sales_order_number
