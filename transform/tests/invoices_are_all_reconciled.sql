-- every invoice document appears in the reconciliation, whatever came of it
select document.invoice_key
from {{ ref('invoice') }} as document
left join (
    select billing_connection || ':' || billing_invoice_id as invoice_key from {{ ref('reconciled_invoice') }} where billing_invoice_id is not null
    union all
    select ledger_connection || ':' || ledger_invoice_id from {{ ref('reconciled_invoice') }} where ledger_invoice_id is not null
) as pair on document.invoice_key = pair.invoice_key
where pair.invoice_key is null
