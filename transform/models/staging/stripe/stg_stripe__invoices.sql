{{ config(unique_key=['connection', 'invoice_id']) }}

with source as (
    {{ landing('stripe', 'invoices') }}
),

renamed as (
    select
        _connection as connection,
        id as invoice_id,
        number,
        customer as customer_id,
        subscription as subscription_id,
        erp_order_id,
        status as status_raw,
        upper(currency) as currency,
        billing_reason,
        collection_method,
        subtotal as subtotal_minor,
        total as total_minor,
        total_excluding_tax as total_excluding_tax_minor,
        tax as tax_minor,
        discount_amount as discount_minor,
        amount_due as due_minor,
        amount_paid as paid_minor,
        amount_remaining as remaining_minor,
        pre_payment_credit_notes_amount as pre_payment_credit_minor,
        post_payment_credit_notes_amount as post_payment_credit_minor,
        due_date as due_at,
        period_start as period_started_at,
        period_end as period_ends_at,
        finalized_at,
        paid_at,
        voided_at,
        created as created_at,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
