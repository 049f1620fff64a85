-- every invoice document appears in the reconciliation, whatever came of it
select document.invoice_key
from {{ ref('invoice') }} as document
left join {{ ref('reconciled_invoice') }} as pair
    on (document.role = 'billing' and document.connection = pair.billing_connection and document.invoice_id = pair.billing_invoice_id)
    or (document.role = 'erp' and document.connection = pair.ledger_connection and document.invoice_id = pair.ledger_invoice_id)
where pair.pair_key is null
