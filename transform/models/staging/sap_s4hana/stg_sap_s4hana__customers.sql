{{ config(unique_key=['connection', 'customer_id']) }}

with landed as (
    {{ landing('sap_s4hana', 'customers') }}
),

-- the same number comes with or without leading zeros, and a day and its time of day apart
source as (
    select
        *,
        regexp_replace(customer, '^0+([0-9]+)$', {{ first_group() }}) as bare_customer,
        regexp_replace(supplier, '^0+([0-9]+)$', {{ first_group() }}) as bare_supplier
    from landed
),

renamed as (
    select
        _connection as connection,
        bare_customer as customer_id,
        account_group,
        name,
        full_name,
        classification,
        corporate_group,
        order_block,
        delivery_block,
        billing_block,
        is_posting_blocked,
        is_marked_for_deletion,
        bare_supplier as supplier,
        industry_code1,
        tax_number1,
        vat_registration,
        creation_date as created_date,
        created_by,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
