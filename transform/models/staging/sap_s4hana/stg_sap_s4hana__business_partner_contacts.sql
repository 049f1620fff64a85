{{ config(unique_key=['connection', 'relationship_number', 'company_partner_id', 'person_id', 'validity_end']) }}

with landed as (
    {{ landing('sap_s4hana', 'business_partner_contacts') }}
),

-- the same number comes with or without leading zeros, and a day and its time of day apart
source as (
    select
        *,
        regexp_replace(relationship_number, '^0+([0-9]+)$', {{ first_group() }}) as bare_relationship_number,
        regexp_replace(company, '^0+([0-9]+)$', {{ first_group() }}) as bare_company,
        regexp_replace(person, '^0+([0-9]+)$', {{ first_group() }}) as bare_person
    from landed
),

renamed as (
    select
        _connection as connection,
        bare_relationship_number as relationship_number,
        bare_company as company_partner_id,
        bare_person as person_id,
        validity_end,
        valid_from,
        is_standard_relationship,
        relationship_category,
        function,
        function_name,
        department_name,
        email,
        phone,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
