{{ config(unique_key=['connection', 'invoice_id', 'order_id']) }}

with source as (
    {{ landing('chargebee', 'invoice_orders') }}
),

renamed as (
    select
        _connection as connection,
        id as order_id,
        invoice_id,
        document_number,
        status as status_raw,
        order_type,
        reference_id,
        fulfillment_status,
        created_at,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
