{{ config(unique_key=['connection', 'user_id']) }}

with source as (
    {{ landing('zendesk', 'users') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as user_id,
        external_id,
        cast(organization_id as {{ dbt.type_string() }}) as organization_id,
        name,
        email,
        phone,
        role,
        active as is_active,
        suspended as is_suspended,
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
