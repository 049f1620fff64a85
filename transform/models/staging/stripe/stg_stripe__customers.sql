{{ config(unique_key=['connection', 'customer_id']) }}

with source as (
    {{ landing('stripe', 'customers') }}
),

renamed as (
    select
        _connection as connection,
        id as customer_id,
        erp_customer_id,
        tax_id,
        name,
        email,
        phone,
        upper(currency) as currency,
        delinquent as is_delinquent,
        address_line1 as street,
        address_city as city,
        address_state as region,
        address_postal_code as postcode,
        address_country as country,
        domain,
        livemode as is_live,
        balance as balance_minor,
        created as created_at,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
