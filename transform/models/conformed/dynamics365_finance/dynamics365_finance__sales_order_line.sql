with shared_orders as (
    select connection, sales_order_number, company_id as first_company_id
    from {{ ref('stg_dynamics365_finance__orders') }}
    qualify row_number() over (
        partition by connection, sales_order_number order by created_at nulls last, company_id
    ) = 1 and count(*) over (partition by connection, sales_order_number) > 1
)

select
    line.connection,
    case when document.company_id <> sold.first_company_id then line.company_id || '|' || line.inventory_lot_id else line.inventory_lot_id end as order_line_id,
    case when sold.first_company_id <> line.company_id then line.company_id || '|' || line.sales_order_number else nullif(line.sales_order_number, '') end as order_id,
    line.line_sequence as line_number,
    coalesce(nullif(product.product_number, ''), line.item_number) as sku,
    line.quantity,
    nullif(line.unit, '') as unit_raw,
    cast(line.unit_price / case when coalesce(line.price_quantity, 0) = 0 then 1 else line.price_quantity end
        as {{ sql_type('decimal') }}) as unit_price,
    {{ money('line.amount') }} as amount,
    line.status_raw in ('Invoiced', 'Canceled') as is_closed
from {{ ref('stg_dynamics365_finance__order_lines') }} as line
inner join {{ ref('stg_dynamics365_finance__orders') }} as document
    on line.connection = document.connection and line.company_id = document.company_id
        and line.sales_order_number = document.sales_order_number and not document.is_removed
left join shared_orders as sold
    on line.connection = sold.connection and line.sales_order_number = sold.sales_order_number
left join {{ ref('stg_dynamics365_finance__products') }} as product
    on line.connection = product.connection and line.company_id = product.company_id and line.item_number = product.item_number
where not line.is_removed
