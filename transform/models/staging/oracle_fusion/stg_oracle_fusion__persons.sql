{{ config(unique_key=['connection', 'person_id']) }}

with source as (
    {{ landing('oracle_fusion', 'persons') }}
),

renamed as (
    select
        _connection as connection,
        cast(party_id as {{ dbt.type_string() }}) as person_id,
        party_number,
        name,
        first_name,
        last_name,
        job_title,
        usage_code,
        status as status_raw,
        email,
        work_phone as phone,
        mobile_phone,
        cast(organization_party_id as {{ dbt.type_string() }}) as customer_id,
        organization_party_number,
        no_email,
        buying_role,
        source_system,
        source_reference,
        updated_by,
        created_at,
        updated_at,
        coalesce(updated_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
