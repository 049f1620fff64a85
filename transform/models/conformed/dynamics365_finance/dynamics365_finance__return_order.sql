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

returned as (
    select
        line.connection,
        line.company_id,
        line.return_order_number,
        min(coalesce(original.sales_order_number, nullif(line.reference_number, ''))) as sales_order_number,
        max(line.arrived_on) as arrived_on,
        max(case when line.status_raw in ('Registered', 'Quarantine', 'Received', 'Invoiced') then 1 else 0 end) as has_arrived,
        max(case when line.status_raw = 'Invoiced' then 1 else 0 end) as is_credited
    from {{ ref('stg_dynamics365_finance__return_lines') }} as line
    left join {{ ref('stg_dynamics365_finance__order_lines') }} as original
        on line.connection = original.connection and line.company_id = original.company_id
            and line.original_lot_id = original.inventory_lot_id
    where not line.is_removed
    group by line.connection, line.company_id, line.return_order_number
)

select
    document.connection,
    document.return_order_number as return_id,
    coalesce(nullif(document.rma_number, ''), document.return_order_number) as number,
    case when sold.first_company_id <> document.company_id then document.company_id || '|' || returned.sales_order_number else nullif(returned.sales_order_number, '') end as order_id,
    nullif(document.customer_requisition_number, '') as invoice_id,
    case when account.first_company_id <> document.company_id then document.company_id || '|' || document.customer_account else nullif(document.customer_account, '') end as customer_record_id,
    document.company_id,
    case
        when document.status_raw = 'Open' and returned.has_arrived = 1 then 'Open/Received'
        when document.status_raw = 'Closed' and returned.is_credited = 1 then 'Closed/Invoiced'
        else document.status_raw
    end as status_raw,
    nullif(document.reason_code, '') as reason,
    document.currency,
    {{ money('abs(document.total_amount)') }} as amount,
    cast(document.deadline_on as {{ sql_type('timestamp') }}) as due_at,
    cast(returned.arrived_on as {{ sql_type('timestamp') }}) as received_at,
    cast(null as {{ sql_type('timestamp') }}) as created_at,
    document.version_at as updated_at
from {{ ref('stg_dynamics365_finance__returns') }} as document
left join returned
    on document.connection = returned.connection and document.company_id = returned.company_id
        and document.return_order_number = returned.return_order_number
left join shared_accounts as account
    on document.connection = account.connection and document.customer_account = account.customer_account
left join shared_orders as sold
    on document.connection = sold.connection and returned.sales_order_number = sold.sales_order_number
where not document.is_removed
