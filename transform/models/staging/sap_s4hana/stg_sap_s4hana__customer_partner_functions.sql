{{ config(unique_key=['connection', 'customer_id', 'sales_organization_id', 'distribution_channel', 'division', 'partner_counter', 'partner_function']) }}

with landed as (
    {{ landing('sap_s4hana', 'customer_partner_functions') }}
),

-- the same number comes with or without leading zeros, and a day and its time of day apart
source as (
    select
        *,
        regexp_replace(customer, '^0+([0-9]+)$', {{ first_group() }}) as bare_customer,
        regexp_replace(partner_counter, '^0+([0-9]+)$', {{ first_group() }}) as bare_partner_counter,
        regexp_replace(partner_customer, '^0+([0-9]+)$', {{ first_group() }}) as bare_partner_customer,
        regexp_replace(address_id, '^0+([0-9]+)$', {{ first_group() }}) as bare_address_id
    from landed
),

renamed as (
    select
        _connection as connection,
        bare_customer as customer_id,
        sales_organization as sales_organization_id,
        distribution_channel,
        division,
        bare_partner_counter as partner_counter,
        partner_function,
        bare_partner_customer as partner_customer_id,
        is_default,
        contact_person,
        bare_address_id as address_id,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
