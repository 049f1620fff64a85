{{ config(unique_key=['connection', 'contact_person_id', 'company_id']) }}

with source as (
    {{ landing('dynamics365_finance', 'contacts') }}
),

renamed as (
    select
        _connection as connection,
        contact_person_id,
        data_area_id as company_id,
        first_name,
        middle_name,
        last_name,
        name,
        party_number,
        associated_party_number,
        email,
        phone,
        job_title,
        department,
        is_inactive = 'Yes' as is_inactive,
        is_default = 'Yes' as is_default,
        city,
        country,
        last_edited_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
