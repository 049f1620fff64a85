{{ config(unique_key=['connection', 'satisfaction_rating_id']) }}

with source as (
    {{ landing('zendesk', 'satisfaction_ratings') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as satisfaction_rating_id,
        cast(ticket_id as {{ dbt.type_string() }}) as ticket_id,
        cast(requester_id as {{ dbt.type_string() }}) as requester_id,
        cast(assignee_id as {{ dbt.type_string() }}) as assignee_id,
        cast(group_id as {{ dbt.type_string() }}) as group_id,
        score as score_raw,
        comment as rating_comment,
        reason,
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
