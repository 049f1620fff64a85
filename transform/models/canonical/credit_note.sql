with notes as (
    {{ conformed('credit_note') }}
)

select
    document.connection || ':' || document.credit_note_id as credit_note_key,
    document.connection,
    {{ role_of_connection('document.connection') }} as role,
    document.credit_note_id,
    document.billing_credit_note_id,
    document.number,
    document.customer_record_id,
    link.customer_id,
    {{ legal_entity_of('document.company_id', 'document.connection') }} as company_id,
    {{ region_of_connection('document.connection') }} as region,
    document.billing_invoice_id,
    {{ decoded('credit_note', 'status', 'document.system', 'document.status_raw') }} as status,
    document.status_raw,
    document.currency,
    document.total_amount,
    {{ to_minor('document.total_amount', 'unit.minor_units') }} as total_minor,
    {{ in_reporting_currency('document.total_amount', 'document.currency') }} as reporting_amount,
    reporting.currency as reporting_currency,
    document.issued_at
from notes as document
left join ({{ minor_units() }}) as unit on document.currency = unit.currency
left join {{ ref('crosswalk') }} as link on document.connection = link.connection and document.customer_record_id = link.record_id
{{ reporting_joins('document.currency', 'document.issued_at') }}
