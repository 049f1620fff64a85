{{ config(unique_key=['connection', 'organization_membership_id']) }}

with source as (
    {{ landing('zendesk', 'organization_memberships') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as organization_membership_id,
        cast(user_id as {{ dbt.type_string() }}) as user_id,
        cast(organization_id as {{ dbt.type_string() }}) as organization_id,
        is_default,
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
