{{ config(unique_key=['connection', 'contact_point_id']) }}

with source as (
    {{ landing('oracle_fusion', 'customer_contact_points') }}
),

renamed as (
    select
        _connection as connection,
        cast(contact_point_id as {{ dbt.type_string() }}) as contact_point_id,
        cast(party_id as {{ dbt.type_string() }}) as customer_id,
        point_type,
        email,
        phone_country,
        phone_area,
        phone,
        url,
        is_primary,
        status as status_raw,
        updated_at,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
