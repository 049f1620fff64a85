with line_counts as (
    select invoice_key, count(*) as line_count from {{ ref('invoice_line') }} group by invoice_key
),

ledger_orders as (
    select connection, transaction_id, min(created_from_id) as order_id
    from {{ ref('stg_netsuite__transaction_lines') }}
    where created_from_id is not null and not is_removed
    group by connection, transaction_id
),

billing as (
    select
        document.connection || ':' || document.invoice_id as invoice_key,
        document.connection,
        'billing' as role,
        document.invoice_id,
        document.number,
        document.invoice_id as billing_invoice_id,
        document.number as billing_number,
        document.customer_id as customer_record_id,
        link.customer_id,
        document.subscription_id,
        nullif(document.erp_order_id, '') as erp_order_id,
        {{ value_of('invoice', 'status', 'stripe', 'document.status_raw') }} as status,
        document.status_raw,
        document.currency,
        {{ from_minor('document.total_minor', 'unit.minor_size') }} as total_amount,
        document.total_minor,
        {{ from_minor('coalesce(document.tax_minor, 0)', 'unit.minor_size') }} as tax_amount,
        {{ from_minor('document.paid_minor', 'unit.minor_size') }} as paid_amount,
        {{ from_minor('document.remaining_minor', 'unit.minor_size') }} as open_amount,
        cast(coalesce(document.finalized_at, document.created_at) as date) as invoice_date,
        cast(document.due_at as date) as due_date,
        document.finalized_at,
        coalesce(document.voided_at, document.paid_at, document.finalized_at, document.created_at) as status_changed_at,
        document.created_at,
        coalesce(document.changed_at, document.created_at) as updated_at
    from {{ ref('stg_stripe__invoices') }} as document
    left join {{ ref('currency') }} as unit on unit.system = 'stripe' and document.currency = unit.currency
    left join {{ ref('crosswalk') }} as link on document.connection = link.connection and document.customer_id = link.record_id
    where not document.is_removed
),

ledger as (
    select
        document.connection || ':' || document.transaction_id as invoice_key,
        document.connection,
        'erp' as role,
        document.transaction_id as invoice_id,
        document.number,
        nullif(document.external_id, '') as billing_invoice_id,
        nullif(document.other_reference, '') as billing_number,
        document.customer_id as customer_record_id,
        document.golden_customer_id as customer_id,
        cast(null as {{ dbt.type_string() }}) as subscription_id,
        parent.order_id as erp_order_id,
        case when coalesce(document.is_voided, false) then 'void'
            else {{ value_of('invoice', 'status', 'netsuite', 'document.status_raw') }} end as status,
        document.status_raw,
        document.currency,
        {{ money('document.total_amount') }} as total_amount,
        {{ to_minor('document.total_amount', 'document.minor_units') }} as total_minor,
        {{ money('coalesce(document.tax_amount, 0)') }} as tax_amount,
        {{ money('document.paid_amount') }} as paid_amount,
        {{ money('document.unpaid_amount') }} as open_amount,
        document.transaction_date as invoice_date,
        document.due_date,
        document.created_at as finalized_at,
        document.updated_at as status_changed_at,
        document.created_at,
        document.updated_at
    from {{ ref('erp_transaction') }} as document
    left join ledger_orders as parent on document.connection = parent.connection and document.transaction_id = parent.transaction_id
    where document.transaction_type = 'CustInvc'
),

documents as (
    select * from billing
    union all
    select * from ledger
)

select
    document.invoice_key,
    document.connection,
    document.role,
    document.invoice_id,
    document.number,
    document.billing_invoice_id,
    document.billing_number,
    document.customer_record_id,
    document.customer_id,
    document.subscription_id,
    document.erp_order_id,
    document.status,
    document.status_raw,
    document.currency,
    coalesce(line.line_count, 1) as line_count,
    document.total_amount,
    document.total_minor,
    document.tax_amount,
    document.paid_amount,
    document.open_amount,
    document.invoice_date,
    document.due_date,
    document.finalized_at,
    document.status_changed_at,
    document.created_at,
    document.updated_at
from documents as document
left join line_counts as line on document.invoice_key = line.invoice_key
