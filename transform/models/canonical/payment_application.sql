with applications as (
    {{ conformed('payment_application') }}
)

select
    document.connection || ':' || document.application_id as application_key,
    document.connection,
    document.application_id,
    document.payment_id,
    document.credit_note_id,
    document.invoice_id,
    document.currency,
    document.amount,
    document.applied_at
from applications as document
