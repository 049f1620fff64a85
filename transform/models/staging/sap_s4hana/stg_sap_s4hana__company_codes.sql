{{ config(unique_key=['connection', 'company_id']) }}

with source as (
    {{ landing('sap_s4hana', 'company_codes') }}
),

renamed as (
    select
        _connection as connection,
        company_code as company_id,
        name,
        city,
        company as group_company,
        country,
        currency,
        language,
        credit_control_area,
        fiscal_year_variant,
        vat_registration,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
