{{ config(unique_key=['connection', 'service_contract_id']) }}

with source as (
    {{ landing('salesforce_service', 'service_contracts') }}
),

renamed as (
    select
        _connection as connection,
        id as service_contract_id,
        created_by_id,
        last_modified_by_id,
        account_id,
        contact_id,
        parent_service_contract_id,
        root_service_contract_id,
        pricebook_id,
        owner_id,
        name,
        contract_number as number,
        status as status_raw,
        approval_status,
        upper(currency_iso_code) as currency,
        special_terms,
        term as term_months,
        line_item_count,
        subtotal,
        discount,
        additional_discount,
        total_price as net_amount,
        tax as tax_amount,
        shipping_handling,
        grand_total as total_amount,
        created_at,
        last_modified_at,
        system_modstamp,
        activation_at as activated_at,
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
