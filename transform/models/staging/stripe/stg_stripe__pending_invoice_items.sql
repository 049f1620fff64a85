{{ config(unique_key=['connection', 'invoice_item_id']) }}

with source as (
    {{ landing('stripe', 'pending_invoice_items') }}
),

renamed as (
    select
        _connection as connection,
        id as invoice_item_id,
        customer as customer_id,
        invoice as invoice_id,
        subscription as subscription_id,
        description,
        amount as amount_minor,
        upper(currency) as currency,
        quantity,
        price as price_id,
        product as product_id,
        unit_amount_decimal,
        is_proration,
        period_start as period_starts_at,
        period_end as period_ends_at,
        created as created_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
