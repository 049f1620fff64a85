{{ config(unique_key=['connection', 'account_id']) }}

with source as (
    {{ landing('servicenow', 'accounts') }}
),

renamed as (
    select
        _connection as connection,
        id as account_id,
        nullif(number, '') as number,
        nullif(name, '') as name,
        nullif(account_code, '') as account_code,
        nullif(account_path, '') as account_path,
        nullif(parent_id, '') as parent_account_id,
        nullif(company_parent_id, '') as company_parent_id,
        nullif(registration_code, '') as registration_code,
        is_customer,
        is_partner,
        is_vendor,
        is_active,
        nullif(primary_contact_id, '') as primary_contact_id,
        nullif(rank_tier, '') as rank_tier,
        nullif(phone, '') as phone,
        nullif(fax_phone, '') as fax_phone,
        nullif(website, '') as website,
        nullif(street, '') as street,
        nullif(city, '') as city,
        nullif(region, '') as region,
        nullif(postcode, '') as postcode,
        nullif(country, '') as country,
        employees,
        revenue_per_year,
        nullif(active_escalation_id, '') as active_escalation_id,
        nullif(erp_customer_id, '') as erp_customer_id,
        nullif(crm_account_id, '') as crm_account_id,
        nullif(tax_id, '') as tax_id,
        nullif(credit_status, '') as credit_status_raw,
        erp_balance,
        overdue_amount,
        overdue_days,
        nullif(entitlement_tier, '') as entitlement_tier_raw,
        entitlement_start_date,
        entitlement_end_date,
        created_at,
        nullif(created_by, '') as created_by,
        updated_at,
        nullif(updated_by, '') as updated_by,
        mod_count,
        coalesce(updated_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
