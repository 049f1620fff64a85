{{ config(unique_key=['connection', 'agent_id']) }}

with source as (
    {{ landing('freshdesk', 'agents') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as agent_id,
        type as agent_type,
        ticket_scope,
        group_ids,
        role_ids,
        name,
        email,
        phone,
        language,
        time_zone,
        is_occasional,
        is_available,
        is_deactivated,
        is_active,
        last_login_at,
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
