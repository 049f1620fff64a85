{{ config(unique_key=['connection', 'opportunity_line_id']) }}

with source as (
    {{ landing('salesforce', 'opportunity_lines') }}
),

renamed as (
    select
        _connection as connection,
        id as opportunity_line_id,
        created_by_id,
        last_modified_by_id,
        opportunity_id,
        pricebook_entry_id,
        product_id,
        product_code,
        name,
        sort_order as line_number,
        upper(currency_iso_code) as currency,
        description,
        quantity,
        unit_price,
        list_price,
        total_price as amount,
        subtotal,
        discount,
        created_at,
        last_modified_at,
        system_modstamp,
        service_date,
        coalesce(system_modstamp, _extracted_at) as version_at,
        {{ staged_columns("is_deleted") }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
