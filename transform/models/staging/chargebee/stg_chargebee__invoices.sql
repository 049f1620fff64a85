{{ config(unique_key=['connection', 'invoice_id']) }}

with source as (
    {{ landing('chargebee', 'invoices') }}
),

renamed as (
    select
        _connection as connection,
        id as invoice_id,
        number,
        status as status_raw,
        customer_id,
        subscription_id,
        recurring as is_recurring,
        price_type,
        upper(currency_code) as currency,
        upper(base_currency_code) as base_currency,
        exchange_rate,
        po_number,
        vat_number as tax_id,
        net_term_days,
        sub_total as subtotal_minor,
        tax as tax_minor,
        total as total_minor,
        amount_paid as paid_minor,
        amount_adjusted as adjusted_minor,
        write_off_amount as written_off_minor,
        credits_applied as credits_applied_minor,
        amount_due as due_minor,
        amount_to_collect as to_collect_minor,
        round_off_amount as round_off_amount_minor,
        first_invoice as is_first_invoice,
        dunning_status,
        void_reason_code,
        erp_order_id,
        business_entity_id,
        date as invoiced_at,
        due_date as due_at,
        generated_at,
        expected_payment_date as payment_expected_at,
        next_retry_at,
        paid_at,
        voided_at,
        updated_at,
        resource_version,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
