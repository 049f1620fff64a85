{{ config(unique_key=['connection', 'order_id']) }}

with source as (
    {{ landing('salesforce', 'orders') }}
),

renamed as (
    select
        _connection as connection,
        id as order_id,
        created_by_id,
        last_modified_by_id,
        account_id,
        contract_id,
        opportunity_id,
        pricebook_id,
        original_order_id,
        bill_to_contact_id,
        ship_to_contact_id,
        owner_id,
        order_number as number,
        order_reference_number,
        status as status_raw,
        status_code,
        type as order_type,
        upper(currency_iso_code) as currency,
        po_number,
        billing_street as street,
        billing_city as city,
        billing_state as region,
        billing_postal_code as postcode,
        billing_country as country,
        shipping_street,
        shipping_city,
        shipping_state as shipping_region,
        shipping_postal_code as shipping_postcode,
        shipping_country,
        description,
        is_reduction_order,
        total_amount,
        created_at,
        last_modified_at,
        system_modstamp,
        activated_at,
        effective_date,
        end_date,
        po_date,
        coalesce(system_modstamp, _extracted_at) as version_at,
        {{ staged_columns("is_deleted") }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
