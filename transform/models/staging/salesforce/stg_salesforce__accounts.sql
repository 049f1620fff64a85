{{ config(unique_key=['connection', 'account_id']) }}

with source as (
    {{ landing('salesforce', 'accounts') }}
),

renamed as (
    select
        _connection as connection,
        id as account_id,
        last_modified_by_id,
        parent_id,
        owner_id,
        tax_id,
        erp_customer_id,
        name,
        type as type_raw,
        account_number,
        website,
        phone,
        billing_street as street,
        billing_city as city,
        billing_state as region,
        billing_postal_code as postcode,
        billing_country as country,
        upper(currency_iso_code) as currency,
        credit_status as credit_status_raw,
        entitlement_tier as entitlement_tier_raw,
        credit_limit,
        erp_balance,
        overdue_amount,
        overdue_days,
        created_at,
        last_modified_at,
        system_modstamp,
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
