{{ config(unique_key=['connection', 'ticket_event_id']) }}

with source as (
    {{ landing('zendesk', 'ticket_events') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as ticket_event_id,
        cast(ticket_id as {{ dbt.type_string() }}) as ticket_id,
        cast(updater_id as {{ dbt.type_string() }}) as updater_id,
        cast(comment_author_id as {{ dbt.type_string() }}) as comment_author_id,
        event_type,
        field_name,
        previous_value,
        value,
        comment_public,
        comment_body,
        created_at,
        coalesce(created_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
