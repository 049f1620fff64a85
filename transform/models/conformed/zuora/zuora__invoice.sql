with agreements as (
    select connection, subscription_number, min(subscription_id) as subscription_id
    from {{ ref('stg_zuora__subscriptions') }}
    where not is_removed
    group by connection, subscription_number
),

billed as (
    select item.connection, item.invoice_id, min(agreement.subscription_id) as subscription_id
    from {{ ref('stg_zuora__invoice_items') }} as item
    inner join agreements as agreement
        on item.connection = agreement.connection and item.subscription_number = agreement.subscription_number
    where not item.is_removed
    group by item.connection, item.invoice_id
),

settled as (
    select connection, invoice_id, max(created_at) as applied_at
    from {{ ref('stg_zuora__payment_applications') }}
    where not is_removed and invoice_id is not null
    group by connection, invoice_id
)

select
    document.connection,
    document.invoice_id,
    document.invoice_number as number,
    document.invoice_id as billing_invoice_id,
    document.invoice_number as billing_number,
    document.account_id as customer_record_id,
    cast(null as {{ sql_type('string') }}) as company_id,
    billed.subscription_id,
    nullif(document.erp_order_id, '') as erp_order_id,
    case
        when document.status_raw <> 'Posted' then document.status_raw
        when document.collection_status = 'Uncollectible' then 'Uncollectible'
        when document.balance <= 0 then 'Paid'
        else document.status_raw
    end as status_raw,
    coalesce(document.status_raw = 'Canceled' or document.is_reversed, false) as is_voided,
    document.currency,
    {{ money('document.amount') }} as total_amount,
    {{ money('coalesce(document.tax_amount, 0)') }} as tax_amount,
    {{ money('document.payment_amount') }} as paid_amount,
    {{ money('document.balance') }} as open_amount,
    document.invoice_date,
    document.due_date,
    document.posted_at as finalized_at,
    case
        when document.status_raw = 'Canceled' then document.updated_at
        else coalesce(settled.applied_at, document.posted_at, document.created_at)
    end as status_changed_at,
    document.created_at,
    document.updated_at
from {{ ref('stg_zuora__invoices') }} as document
left join billed on document.connection = billed.connection and document.invoice_id = billed.invoice_id
left join settled on document.connection = settled.connection and document.invoice_id = settled.invoice_id
where not document.is_removed
