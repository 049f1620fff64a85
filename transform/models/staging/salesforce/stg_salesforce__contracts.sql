{{ config(unique_key=['connection', 'contract_id']) }}

with source as (
    {{ landing('salesforce', 'contracts') }}
),

renamed as (
    select
        _connection as connection,
        id as contract_id,
        created_by_id,
        last_modified_by_id,
        account_id,
        owner_id,
        pricebook_id,
        customer_signed_id,
        activated_by_id,
        billing_subscription_id,
        contract_number as number,
        name,
        status as status_raw,
        status_code,
        owner_expiration_notice,
        special_terms,
        description,
        upper(currency_iso_code) as currency,
        tier as tier_raw,
        contract_term as term_months,
        created_at,
        last_modified_at,
        system_modstamp,
        activated_at,
        start_date,
        end_date,
        company_signed_date,
        customer_signed_date,
        coalesce(system_modstamp, _extracted_at) as version_at,
        {{ staged_columns("is_deleted") }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
