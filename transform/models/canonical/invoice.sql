with documents as (
    {{ conformed('invoice') }}
),

line_counts as (
    select connection, invoice_id, count(*) as line_count from {{ ref('invoice_line') }} group by connection, invoice_id
)

select
    document.connection || ':' || document.invoice_id as invoice_key,
    document.connection,
    document.system,
    {{ role_of_connection('document.connection') }} as role,
    document.invoice_id,
    document.number,
    document.billing_invoice_id,
    document.billing_number,
    document.customer_record_id,
    link.customer_id,
    {{ legal_entity_of('document.company_id', 'document.connection') }} as company_id,
    {{ region_of_connection('document.connection') }} as region,
    document.subscription_id,
    document.erp_order_id,
    case when document.is_voided then 'void'
        else {{ decoded('invoice', 'status', 'document.system', 'document.status_raw') }} end as status,
    document.status_raw,
    document.currency,
    coalesce(line.line_count, 1) as line_count,
    document.total_amount,
    {{ to_minor('document.total_amount', 'unit.minor_units') }} as total_minor,
    {{ in_reporting_currency('document.total_amount', 'document.currency') }} as reporting_amount,
    reporting.currency as reporting_currency,
    document.tax_amount,
    {{ money('coalesce(document.paid_amount, document.total_amount - document.open_amount)') }} as paid_amount,
    document.open_amount,
    document.invoice_date,
    document.due_date,
    document.finalized_at,
    document.status_changed_at,
    document.created_at,
    document.updated_at
from documents as document
left join line_counts as line on document.connection = line.connection and document.invoice_id = line.invoice_id
left join ({{ minor_units() }}) as unit on document.currency = unit.currency
left join {{ ref('crosswalk') }} as link on document.connection = link.connection and document.customer_record_id = link.record_id
{{ reporting_joins('document.currency', 'coalesce(document.invoice_date, document.created_at)') }}
