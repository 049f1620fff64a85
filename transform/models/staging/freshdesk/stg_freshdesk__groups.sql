{{ config(unique_key=['connection', 'group_id']) }}

with source as (
    {{ landing('freshdesk', 'groups') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as group_id,
        name,
        description,
        cast(escalate_to as {{ dbt.type_string() }}) as escalate_to_agent_id,
        unassigned_for,
        cast(business_hour_id as {{ dbt.type_string() }}) as business_hour_id,
        agent_ids,
        auto_ticket_assign as is_auto_assigned,
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
