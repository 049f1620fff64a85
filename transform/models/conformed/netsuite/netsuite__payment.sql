{%- set types = ['CustPymt', 'CustDep', 'CashSale'] -%}
with heads as (
    {{ netsuite_heads(types) }}
)

select
    document.connection,
    document.transaction_id as payment_id,
    nullif(document.external_id, '') as billing_payment_id,
    document.customer_id as customer_record_id,
    heads.subsidiary_id as company_id,
    cast(null as {{ sql_type('string') }}) as billing_invoice_id,
    -- the same letters mean other things of a deposit
    case when coalesce(document.is_voided, false) then 'V' when document.transaction_type = 'CustDep' then 'CustDep:' || document.status_raw else document.status_raw end as status_raw,
    money.currency,
    {{ money('abs(document.total_amount)') }} as amount,
    document.created_at as paid_at
from {{ ref('stg_netsuite__transactions') }} as document
left join {{ ref('stg_netsuite__currencies') }} as money
    on document.connection = money.connection and document.currency_id = money.currency_id
left join heads on document.connection = heads.connection and document.transaction_id = heads.transaction_id
where not document.is_removed and document.transaction_type in ({{ quoted(types) }})
