with orders as (
    {{ conformed('sales_order') }}
)

select
    document.connection || ':' || document.order_id as order_key,
    document.connection,
    document.order_id,
    document.number,
    link.customer_id,
    {{ legal_entity_of('document.company_id', 'document.connection') }} as company_id,
    {{ region_of_connection('document.connection') }} as region,
    document.opportunity_id,
    {{ decoded('order', 'status', 'document.system', 'document.status_raw') }} as status,
    document.status_raw,
    document.currency,
    document.total_amount,
    {{ to_minor('document.total_amount', 'unit.minor_units') }} as total_minor,
    {{ in_reporting_currency('document.total_amount', 'document.currency') }} as reporting_amount,
    reporting.currency as reporting_currency,
    document.tax_amount,
    document.order_date,
    document.created_at,
    document.updated_at
from orders as document
left join ({{ minor_units() }}) as unit on document.currency = unit.currency
left join {{ ref('crosswalk') }} as link on document.connection = link.connection and document.customer_record_id = link.record_id
{{ reporting_joins('document.currency', 'coalesce(document.order_date, document.created_at)') }}
