select
    link.connection,
    link.next_transaction_id || ':' || link.previous_transaction_id as application_id,
    case when document.transaction_type = 'CustPymt' then document.transaction_id end as payment_id,
    case when document.transaction_type = 'CustCred' then document.transaction_id end as credit_note_id,
    link.previous_transaction_id as invoice_id,
    money.currency,
    {{ money('abs(link.amount)') }} as amount,
    link.updated_at as applied_at
from {{ ref('stg_netsuite__transaction_links') }} as link
inner join {{ ref('stg_netsuite__transactions') }} as document
    on link.connection = document.connection and link.next_transaction_id = document.transaction_id
        and document.transaction_type in ('CustPymt', 'CustCred')
inner join {{ ref('stg_netsuite__transactions') }} as invoice
    on link.connection = invoice.connection and link.previous_transaction_id = invoice.transaction_id and invoice.transaction_type = 'CustInvc'
left join {{ ref('stg_netsuite__currencies') }} as money
    on document.connection = money.connection and document.currency_id = money.currency_id
where not link.is_removed and not document.is_removed
