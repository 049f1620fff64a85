with applied as (
    select
        connection,
        transaction_id || '|' || invoice_id as application_id,
        transaction_id as payment_id,
        cast(null as {{ sql_type('string') }}) as credit_note_id,
        invoice_id,
        applied_amount_minor as applied_minor,
        applied_at
    from {{ ref('stg_chargebee__invoice_payments') }}
    where not is_removed and coalesce(transaction_status, 'success') = 'success'

    union all

    select
        connection,
        credit_note_id || '|' || invoice_id || '|' || cast(allocated_at as {{ sql_type('string') }}) as application_id,
        cast(null as {{ sql_type('string') }}) as payment_id,
        credit_note_id,
        invoice_id,
        allocated_amount_minor as applied_minor,
        allocated_at as applied_at
    from {{ ref('stg_chargebee__credit_note_allocations') }}
    where not is_removed
)

select
    document.connection,
    document.application_id,
    document.payment_id,
    document.credit_note_id,
    document.invoice_id,
    invoice.currency,
    {{ from_minor('document.applied_minor', 'unit.minor_size') }} as amount,
    document.applied_at
from applied as document
inner join {{ ref('stg_chargebee__invoices') }} as invoice
    on document.connection = invoice.connection and document.invoice_id = invoice.invoice_id
left join {{ ref('currency') }} as unit on unit.system = 'chargebee' and invoice.currency = unit.currency
where not invoice.is_removed
