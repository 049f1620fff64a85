{{ config(unique_key=['connection', 'time_entry_id']) }}

with source as (
    {{ landing('freshdesk', 'time_entries') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as time_entry_id,
        cast(ticket_id as {{ dbt.type_string() }}) as ticket_id,
        cast(agent_id as {{ dbt.type_string() }}) as agent_id,
        cast(company_id as {{ dbt.type_string() }}) as company_id,
        note,
        time_spent,
        is_billable,
        is_timer_running,
        executed_at,
        start_time as started_at,
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
