select
    connection || ':' || transaction_id as order_key,
    connection,
    transaction_id as order_id,
    number,
    golden_customer_id as customer_id,
    external_id as opportunity_id,
    {{ value_of('order', 'status', 'netsuite', 'status_raw') }} as status,
    status_raw,
    currency,
    {{ money('abs(total_amount)') }} as total_amount,
    {{ to_minor('abs(total_amount)', 'minor_units') }} as total_minor,
    {{ money('abs(tax_amount)') }} as tax_amount,
    transaction_date as order_date,
    created_at,
    updated_at
from {{ ref('erp_transaction') }}
where transaction_type = 'SalesOrd'
