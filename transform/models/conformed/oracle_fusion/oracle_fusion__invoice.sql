{#- Complete says nothing of payment: that follows from the balance. An invoice that was credited in full and never paid is void. -#}
with lines as (
    select line.connection, line.invoice_id, min(sold.order_id) as order_id, sum(line.tax_amount) as tax_amount
    from {{ ref('stg_oracle_fusion__invoice_lines') }} as line
    left join ({{ oracle_fusion_orders() }}) as sold
        on line.connection = sold.connection and line.order_number = sold.number
    where not line.is_removed
    group by line.connection, line.invoice_id
),

installments as (
    select connection, invoice_id, sum(paid_amount) as paid_amount, sum(credited_amount) as credited_amount
    from {{ ref('stg_oracle_fusion__invoice_installments') }}
    where not is_removed
    group by connection, invoice_id
),

entities as (
    select connection, code, min(legal_entity_id) as legal_entity_id
    from {{ ref('stg_oracle_fusion__legal_entities') }}
    where not is_removed
    group by connection, code
),

judged as (
    select
        document.connection,
        document.invoice_id,
        document.status_raw in ('Complete', 'Frozen') and document.open_amount = 0 and document.total_amount <> 0
        and coalesce(installments.paid_amount, 0) = 0 and abs(coalesce(installments.credited_amount, 0)) >= abs(document.total_amount) as is_voided,
        installments.paid_amount
    from {{ ref('stg_oracle_fusion__invoices') }} as document
    left join installments on document.connection = installments.connection and document.invoice_id = installments.invoice_id
)

select
    document.connection,
    document.invoice_id,
    document.number,
    nullif(document.cross_reference, '') as billing_invoice_id,
    nullif(document.payment_reference, '') as billing_number,
    document.customer_id as customer_record_id,
    entities.legal_entity_id as company_id,
    cast(null as {{ sql_type('string') }}) as subscription_id,
    lines.order_id as erp_order_id,
    case
        when document.status_raw not in ('Complete', 'Frozen') then document.status_raw
        when judged.is_voided then 'Credited'
        when document.open_amount = 0 then 'Paid'
        else 'Open'
    end as status_raw,
    coalesce(judged.is_voided, false) as is_voided,
    document.currency,
    {{ money('document.total_amount') }} as total_amount,
    {{ money('coalesce(lines.tax_amount, 0)') }} as tax_amount,
    {{ money('judged.paid_amount') }} as paid_amount,
    {{ money('document.open_amount') }} as open_amount,
    document.invoice_date,
    document.due_date,
    document.created_at as finalized_at,
    document.updated_at as status_changed_at,
    document.created_at,
    document.updated_at
from {{ ref('stg_oracle_fusion__invoices') }} as document
left join judged on document.connection = judged.connection and document.invoice_id = judged.invoice_id
left join lines on document.connection = lines.connection and document.invoice_id = lines.invoice_id
left join entities on document.connection = entities.connection and document.legal_entity_code = entities.code
where not document.is_removed
