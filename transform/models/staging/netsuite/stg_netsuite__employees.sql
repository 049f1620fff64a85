{{ config(unique_key=['connection', 'employee_id']) }}

with source as (
    {{ landing('netsuite', 'employees') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as employee_id,
        entityid as name,
        firstname as first_name,
        lastname as last_name,
        email,
        title,
        cast(subsidiary as {{ dbt.type_string() }}) as subsidiary_id,
        cast(supervisor as {{ dbt.type_string() }}) as supervisor_id,
        isinactive as is_inactive,
        _changed_at as updated_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
