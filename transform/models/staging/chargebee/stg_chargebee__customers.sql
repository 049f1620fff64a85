{{ config(unique_key=['connection', 'customer_id']) }}

with source as (
    {{ landing('chargebee', 'customers') }}
),

renamed as (
    select
        _connection as connection,
        id as customer_id,
        company as company_name,
        first_name,
        last_name,
        email,
        phone,
        vat_number as tax_id,
        vat_number_status as tax_id_status,
        auto_collection,
        net_term_days,
        taxability,
        upper(preferred_currency_code) as currency,
        address_company,
        address_first_name,
        address_last_name,
        address_email,
        address_phone,
        address_line1 as street,
        address_line2,
        address_line3,
        address_city as city,
        address_state as region,
        address_postal_code as postcode,
        upper(address_country) as country,
        address_validation_status,
        address_object,
        parent_customer_id,
        payment_owner_id,
        invoice_owner_id,
        promotional_credits as promotional_credits_minor,
        refundable_credits as refundable_credits_minor,
        excess_payments as excess_payments_minor,
        unbilled_charges as unbilled_charges_minor,
        mrr as mrr_minor,
        business_entity_id,
        meta_data,
        active_id,
        erp_customer_id,
        domain,
        created_at,
        updated_at,
        resource_version,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
