{{ config(unique_key=['connection', 'business_hour_id']) }}

with source as (
    {{ landing('freshdesk', 'business_hours') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as business_hour_id,
        name,
        time_zone,
        is_default,
        business_hours,
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
