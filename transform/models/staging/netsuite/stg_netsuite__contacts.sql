{{ config(unique_key=['connection', 'contact_id']) }}

with source as (
    {{ landing('netsuite', 'contacts') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as contact_id,
        cast(company as {{ dbt.type_string() }}) as customer_id,
        firstname as first_name,
        lastname as last_name,
        title,
        email,
        phone,
        mobilephone as mobile_phone,
        isinactive as is_inactive,
        datecreated as created_at,
        lastmodifieddate as updated_at,
        coalesce(lastmodifieddate, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
