{{ config(unique_key=['connection', 'customer_account', 'company_id']) }}

with source as (
    {{ landing('dynamics365_finance', 'customers') }}
),

renamed as (
    select
        _connection as connection,
        customer_account,
        data_area_id as company_id,
        customer_group_id,
        language_id,
        segment_id,
        line_of_business_id,
        contact_person_id,
        country_id,
        address_location_id,
        credit_account_status_id,
        credit_status_reason_id,
        organization_name,
        name_alias,
        party_number,
        party_type,
        person_first_name,
        person_last_name,
        currency,
        on_hold_status as on_hold_status_raw,
        credit_limit_is_mandatory,
        credit_rating,
        invoice_account,
        company_chain,
        organization_number,
        tax_exempt_number,
        identification_number,
        payment_terms,
        payment_method,
        delivery_terms,
        delivery_mode,
        sales_tax_group,
        responsible_personnel_number,
        email,
        phone,
        website,
        street,
        street_number,
        city,
        postcode,
        region,
        country,
        default_dimension,
        is_externally_maintained = 'Yes' as is_externally_maintained,
        credit_limit,
        address_valid_from,
        address_valid_to,
        credit_limit_expires_on,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
