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

-- totals are nil until the order was calculated: then its lines stand in
line_totals as (
    select connection, company_id, sales_order_number, sum(amount) as amount
    from {{ ref('stg_dynamics365_finance__order_lines') }}
    where not is_removed
    group by connection, company_id, sales_order_number
)

select
    document.connection,
    case when sold.first_company_id <> document.company_id then document.company_id || '|' || document.sales_order_number else nullif(document.sales_order_number, '') end as order_id,
    document.sales_order_number as number,
    case when account.first_company_id <> document.company_id then document.company_id || '|' || document.ordering_customer_account else nullif(document.ordering_customer_account, '') end as customer_record_id,
    document.company_id,
    nullif(document.customers_order_reference, '') as opportunity_id,
    case
        when document.processing_status_raw <> document.status_raw and document.processing_status_raw <> ''
            and document.status_raw in ('Backorder', 'Delivered', 'Invoiced')
            then document.status_raw || '/' || document.processing_status_raw
        else document.status_raw
    end as status_raw,
    document.currency,
    {{ money('case when document.are_totals_calculated then document.total_amount else coalesce(line_totals.amount, 0) end') }} as total_amount,
    {{ money('coalesce(document.total_tax_amount, 0)') }} as tax_amount,
    cast(document.created_at as date) as order_date,
    document.created_at,
    document.version_at as updated_at
from {{ ref('stg_dynamics365_finance__orders') }} as document
left join shared_accounts as account
    on document.connection = account.connection and document.ordering_customer_account = account.customer_account
left join shared_orders as sold
    on document.connection = sold.connection and document.sales_order_number = sold.sales_order_number
left join line_totals
    on document.connection = line_totals.connection and document.company_id = line_totals.company_id
        and document.sales_order_number = line_totals.sales_order_number
where not document.is_removed
