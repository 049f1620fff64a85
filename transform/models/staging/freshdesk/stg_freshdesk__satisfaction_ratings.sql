{{ config(unique_key=['connection', 'rating_id']) }}

with source as (
    {{ landing('freshdesk', 'satisfaction_ratings') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as rating_id,
        cast(survey_id as {{ dbt.type_string() }}) as survey_id,
        cast(ticket_id as {{ dbt.type_string() }}) as ticket_id,
        cast(user_id as {{ dbt.type_string() }}) as user_id,
        cast(agent_id as {{ dbt.type_string() }}) as agent_id,
        cast(group_id as {{ dbt.type_string() }}) as group_id,
        rating,
        feedback,
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
