with refunds as (
    {{ conformed('refund') }}
)

select
    document.connection || ':' || document.refund_id as refund_key,
    document.connection,
    {{ role_of_connection('document.connection') }} as role,
    document.refund_id,
    document.billing_refund_id,
    link.customer_id,
    {{ legal_entity_of('document.company_id', 'document.connection') }} as company_id,
    {{ region_of_connection('document.connection') }} as region,
    document.billing_payment_id,
    {{ decoded('refund', 'status', 'document.system', 'document.status_raw') }} as status,
    document.status_raw,
    document.currency,
    document.amount,
    {{ to_minor('document.amount', 'unit.minor_units') }} as amount_minor,
    {{ in_reporting_currency('document.amount', 'document.currency') }} as reporting_amount,
    reporting.currency as reporting_currency,
    document.refunded_at
from refunds as document
left join ({{ minor_units() }}) as unit on document.currency = unit.currency
left join {{ ref('crosswalk') }} as link on document.connection = link.connection and document.customer_record_id = link.record_id
{{ reporting_joins('document.currency', 'document.refunded_at') }}
