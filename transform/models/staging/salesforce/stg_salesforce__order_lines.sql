{{ config(unique_key=['connection', 'order_line_id']) }}

with source as (
    {{ landing('salesforce', 'order_lines') }}
),

renamed as (
    select
        _connection as connection,
        id as order_line_id,
        created_by_id,
        last_modified_by_id,
        order_id,
        product_id,
        pricebook_entry_id,
        original_order_item_id,
        order_item_number as number,
        upper(currency_iso_code) as currency,
        description,
        quantity,
        available_quantity,
        unit_price,
        list_price,
        total_price as amount,
        created_at,
        last_modified_at,
        system_modstamp,
        service_date,
        end_date,
        coalesce(system_modstamp, _extracted_at) as version_at,
        {{ staged_columns("is_deleted") }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
