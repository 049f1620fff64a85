with heads as (
    {{ netsuite_heads(['SalesOrd']) }}
)

select
    document.connection,
    document.transaction_id as order_id,
    document.number,
    document.customer_id as customer_record_id,
    heads.subsidiary_id as company_id,
    nullif(document.external_id, '') as opportunity_id,
    document.status_raw,
    money.currency,
    {{ money('abs(document.total_amount)') }} as total_amount,
    {{ money('abs(document.tax_amount)') }} as tax_amount,
    document.transaction_date as order_date,
    document.created_at,
    document.updated_at
from {{ ref('stg_netsuite__transactions') }} as document
left join {{ ref('stg_netsuite__currencies') }} as money
    on document.connection = money.connection and document.currency_id = money.currency_id
left join heads on document.connection = heads.connection and document.transaction_id = heads.transaction_id
where not document.is_removed and document.transaction_type = 'SalesOrd'
