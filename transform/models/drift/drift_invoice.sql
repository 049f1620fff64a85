select
    'D4' as drift_id, class, 'invoice' as entity, severity,
    case when class in ('missing_in_erp', 'duplicate', 'amount', 'tax', 'currency') then 'erp' else 'billing' end as owner_role,
    customer_id, correlation_id,
    left_connection, 'invoice' as left_entity, left_id,
    right_connection, 'invoice' as right_entity, right_id,
    case class when 'amount' then 'total_amount' when 'tax' then 'tax_amount' when 'currency' then 'currency' when 'status' then 'status' else 'invoice_id' end as field,
    left_value, right_value, exposure, currency, since, detail
from {{ ref('exception_invoice') }}
where class in ('missing_in_erp', 'missing_in_billing', 'duplicate', 'currency', 'amount', 'tax', 'status')
