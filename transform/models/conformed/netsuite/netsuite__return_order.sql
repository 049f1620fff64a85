{#- An authorization names the one document that it was made from; made from an invoice, the invoice names the order. -#}
with heads as (
    {{ netsuite_heads(['RtnAuth', 'ItemRcpt']) }}
),

-- what the invoices among those documents were made from
sources as (
    select line.connection, line.transaction_id, min(line.created_from_id) as source_id
    from {{ ref('stg_netsuite__transaction_lines') }} as line
    inner join (select distinct connection, source_id from heads) as named
        on line.connection = named.connection and line.transaction_id = named.source_id
    where not line.is_removed
    group by line.connection, line.transaction_id
),

receipts as (
    select heads.connection, heads.source_id as return_id, min(document.created_at) as received_at
    from {{ ref('stg_netsuite__transactions') }} as document
    inner join heads on document.connection = heads.connection and document.transaction_id = heads.transaction_id
    where not document.is_removed and document.transaction_type = 'ItemRcpt'
    group by heads.connection, heads.source_id
)

select
    document.connection,
    document.transaction_id as return_id,
    document.number,
    case source.transaction_type when 'SalesOrd' then source.transaction_id when 'CustInvc' then invoiced.source_id end as order_id,
    case when source.transaction_type = 'CustInvc' then source.transaction_id end as invoice_id,
    document.customer_id as customer_record_id,
    heads.subsidiary_id as company_id,
    document.status_raw,
    nullif(document.memo, '') as reason,
    money.currency,
    {{ money('abs(document.total_amount)') }} as amount,
    cast(null as {{ sql_type('timestamp') }}) as due_at,
    receipts.received_at,
    document.created_at,
    document.updated_at
from {{ ref('stg_netsuite__transactions') }} as document
left join {{ ref('stg_netsuite__currencies') }} as money
    on document.connection = money.connection and document.currency_id = money.currency_id
left join heads on document.connection = heads.connection and document.transaction_id = heads.transaction_id
left join {{ ref('stg_netsuite__transactions') }} as source
    on heads.connection = source.connection and heads.source_id = source.transaction_id
left join sources as invoiced on source.connection = invoiced.connection and source.transaction_id = invoiced.transaction_id
left join receipts on document.connection = receipts.connection and document.transaction_id = receipts.return_id
where not document.is_removed and document.transaction_type = 'RtnAuth'
