{#- A fulfilment tells that goods were picked, packed and shipped; that they arrived is nothing that NetSuite keeps. -#}
with heads as (
    {{ netsuite_heads(['ItemShip']) }}
),

packages as (
    select connection, transaction_id, min(tracking_number) as tracking_number
    from {{ ref('stg_netsuite__shipment_tracking_numbers') }}
    where not is_removed
    group by connection, transaction_id
)

select
    document.connection,
    document.transaction_id as shipment_id,
    document.number,
    source.transaction_id as order_id,
    document.customer_id as customer_record_id,
    heads.subsidiary_id as company_id,
    document.status_raw,
    document.carrier,
    packages.tracking_number,
    document.ship_date as planned_date,
    -- the day of the shipment is kept as a day
    case
        when document.status_raw = 'C' then cast(coalesce(document.actual_ship_date, document.transaction_date) as {{ sql_type('timestamp') }})
    end as shipped_at,
    cast(null as {{ sql_type('timestamp') }}) as delivered_at,
    document.updated_at
from {{ ref('stg_netsuite__transactions') }} as document
left join heads on document.connection = heads.connection and document.transaction_id = heads.transaction_id
left join {{ ref('stg_netsuite__transactions') }} as source
    on heads.connection = source.connection and heads.source_id = source.transaction_id and source.transaction_type = 'SalesOrd'
left join packages on document.connection = packages.connection and document.transaction_id = packages.transaction_id
where not document.is_removed and document.transaction_type = 'ItemShip'
