{{ config(unique_key=['connection', 'contact_id']) }}

with source as (
    {{ landing('freshdesk', 'contacts') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as contact_id,
        unique_external_id,
        cast(company_id as {{ dbt.type_string() }}) as company_id,
        name,
        email,
        phone,
        mobile,
        address,
        job_title,
        language,
        time_zone,
        contact_type,
        tags,
        is_active,
        is_deleted,
        created_at,
        updated_at,
        coalesce(updated_at, _extracted_at) as version_at,
        {{ staged_columns("is_deleted") }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
