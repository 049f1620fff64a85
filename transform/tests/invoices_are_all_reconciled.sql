-- every invoice document appears in the reconciliation, whatever came of it
select document.invoice_key
from {{ ref('invoice') }} as document
left join (
    select billing_key as invoice_key from {{ ref('invoice_pair') }}
    union all
    select ledger_key from {{ ref('invoice_pair') }}
) as pair on document.invoice_key = pair.invoice_key
where pair.invoice_key is null
