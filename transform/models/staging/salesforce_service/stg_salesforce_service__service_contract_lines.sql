{{ config(unique_key=['connection', 'service_contract_line_id']) }}

with source as (
    {{ landing('salesforce_service', 'service_contract_lines') }}
),

renamed as (
    select
        _connection as connection,
        id as service_contract_line_id,
        created_by_id,
        last_modified_by_id,
        service_contract_id,
        parent_contract_line_item_id,
        pricebook_entry_id,
        product_id,
        asset_id,
        line_item_number as number,
        status as status_raw,
        upper(currency_iso_code) as currency,
        description,
        quantity,
        unit_price,
        list_price,
        discount,
        subtotal,
        total_price as amount,
        created_at,
        last_modified_at,
        system_modstamp,
        start_date,
        end_date,
        coalesce(system_modstamp, _extracted_at) as version_at,
        {{ staged_columns("is_deleted") }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
