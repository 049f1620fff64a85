{{ config(unique_key=['connection', 'terms_id']) }}

with source as (
    {{ landing('netsuite', 'terms') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as terms_id,
        name,
        daysuntilnetdue as days_due,
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
