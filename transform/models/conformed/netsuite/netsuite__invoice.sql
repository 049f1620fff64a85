with heads as (
    {{ netsuite_heads() }}
)

select
    document.connection,
    document.transaction_id as invoice_id,
    document.number,
    nullif(document.external_id, '') as billing_invoice_id,
    nullif(document.other_reference, '') as billing_number,
    document.customer_id as customer_record_id,
    heads.subsidiary_id as company_id,
    cast(null as {{ sql_type('string') }}) as subscription_id,
    heads.source_id as erp_order_id,
    document.status_raw,
    coalesce(document.is_voided, false) as is_voided,
    money.currency,
    {{ money('document.total_amount') }} as total_amount,
    {{ money('coalesce(document.tax_amount, 0)') }} as tax_amount,
    {{ money('document.paid_amount') }} as paid_amount,
    {{ money('document.unpaid_amount') }} as open_amount,
    document.transaction_date as invoice_date,
    document.due_date,
    document.created_at as finalized_at,
    document.updated_at as status_changed_at,
    document.created_at,
    document.updated_at
from {{ ref('stg_netsuite__transactions') }} as document
left join {{ ref('stg_netsuite__currencies') }} as money
    on document.connection = money.connection and document.currency_id = money.currency_id
left join heads on document.connection = heads.connection and document.transaction_id = heads.transaction_id
where not document.is_removed and document.transaction_type = 'CustInvc'
