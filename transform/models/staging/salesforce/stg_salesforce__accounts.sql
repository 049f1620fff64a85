{{ config(unique_key=['connection', 'account_id']) }}

with source as (
    {{ landing('salesforce', 'accounts') }}
),

renamed as (
    select
        _connection as connection,
        id as account_id,
        created_by_id,
        last_modified_by_id,
        master_record_id,
        parent_id,
        record_type_id,
        owner_id,
        tax_id,
        erp_customer_id,
        name,
        type as type_raw,
        account_number,
        site,
        website,
        phone,
        fax,
        industry,
        ownership,
        ticker_symbol,
        rating,
        account_source,
        duns_number,
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
        upper(currency_iso_code) as currency,
        credit_status as credit_status_raw,
        entitlement_tier as entitlement_tier_raw,
        annual_revenue,
        number_of_employees,
        credit_limit,
        erp_balance,
        overdue_amount,
        overdue_days,
        created_at,
        last_modified_at,
        system_modstamp,
        last_activity_date,
        entitlement_start_date,
        entitlement_end_date,
        coalesce(system_modstamp, _extracted_at) as version_at,
        {{ staged_columns("is_deleted") }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
