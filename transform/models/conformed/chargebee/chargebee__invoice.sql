select
    document.connection,
    document.invoice_id,
    document.number,
    document.invoice_id as billing_invoice_id,
    document.number as billing_number,
    document.customer_id as customer_record_id,
    nullif(document.business_entity_id, '') as company_id,
    document.subscription_id,
    nullif(document.erp_order_id, '') as erp_order_id,
    document.status_raw,
    coalesce(document.status_raw = 'voided', false) or document.voided_at is not null as is_voided,
    document.currency,
    {{ from_minor('document.total_minor', 'unit.minor_size') }} as total_amount,
    {{ from_minor('coalesce(document.tax_minor, 0)', 'unit.minor_size') }} as tax_amount,
    {{ from_minor('document.paid_minor', 'unit.minor_size') }} as paid_amount,
    {{ from_minor('document.due_minor', 'unit.minor_size') }} as open_amount,
    cast(document.invoiced_at as date) as invoice_date,
    cast(document.due_at as date) as due_date,
    case when document.status_raw <> 'pending' then coalesce(document.generated_at, document.invoiced_at) end as finalized_at,
    coalesce(document.voided_at, document.paid_at, document.generated_at, document.invoiced_at) as status_changed_at,
    coalesce(document.generated_at, document.invoiced_at) as created_at,
    coalesce(document.changed_at, document.invoiced_at) as updated_at
from {{ ref('stg_chargebee__invoices') }} as document
left join {{ ref('currency') }} as unit on unit.system = 'chargebee' and document.currency = unit.currency
where not document.is_removed
