{{ config(unique_key=['connection', 'order_id']) }}

with source as (
    {{ landing('chargebee', 'orders') }}
),

renamed as (
    select
        _connection as connection,
        id as order_id,
        document_number,
        invoice_id,
        subscription_id,
        customer_id,
        status as status_raw,
        payment_status,
        order_type,
        fulfillment_status,
        cancellation_reason,
        reference_id,
        price_type,
        upper(currency_code) as currency,
        sub_total as subtotal_minor,
        tax as tax_minor,
        discount as discount_minor,
        total as total_minor,
        amount_paid as paid_minor,
        amount_adjusted as adjusted_minor,
        tracking_id,
        tracking_url,
        shipment_carrier,
        is_resent,
        order_date as ordered_at,
        shipping_date as ships_at,
        shipping_cut_off_date as cut_off_at,
        shipped_at,
        delivered_at,
        cancelled_at,
        status_update_at,
        created_at,
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
