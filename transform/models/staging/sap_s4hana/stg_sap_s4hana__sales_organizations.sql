{{ config(unique_key=['connection', 'sales_organization_id']) }}

with source as (
    {{ landing('sap_s4hana', 'sales_organizations') }}
),

renamed as (
    select
        _connection as connection,
        sales_organization as sales_organization_id,
        currency,
        company_code as company_id,
        intercompany_billing_customer,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
