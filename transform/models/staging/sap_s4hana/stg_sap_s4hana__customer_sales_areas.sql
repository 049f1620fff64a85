{{ config(unique_key=['connection', 'customer_id', 'sales_organization_id', 'distribution_channel', 'division']) }}

with landed as (
    {{ landing('sap_s4hana', 'customer_sales_areas') }}
),

-- the same number comes with or without leading zeros, and a day and its time of day apart
source as (
    select
        *,
        regexp_replace(customer, '^0+([0-9]+)$', {{ first_group() }}) as bare_customer
    from landed
),

renamed as (
    select
        _connection as connection,
        bare_customer as customer_id,
        sales_organization as sales_organization_id,
        distribution_channel,
        division,
        order_block,
        delivery_block,
        billing_block,
        currency,
        payment_terms,
        customer_group,
        credit_control_area,
        customer_price_group,
        sales_office,
        sales_group,
        sales_district,
        shipping_condition,
        incoterms_classification,
        is_marked_for_deletion,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
