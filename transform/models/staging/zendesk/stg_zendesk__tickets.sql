{{ config(unique_key=['connection', 'ticket_id']) }}

with source as (
    {{ landing('zendesk', 'tickets') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as ticket_id,
        external_id,
        cast(requester_id as {{ dbt.type_string() }}) as requester_id,
        cast(submitter_id as {{ dbt.type_string() }}) as submitter_id,
        cast(assignee_id as {{ dbt.type_string() }}) as assignee_id,
        cast(organization_id as {{ dbt.type_string() }}) as organization_id,
        subject,
        type as ticket_type,
        priority,
        status as status_raw,
        tags,
        order_number,
        channel,
        created_at,
        updated_at,
        generated_timestamp as generated_at,
        cast(group_id as {{ dbt.type_string() }}) as group_id,
        cast(brand_id as {{ dbt.type_string() }}) as brand_id,
        solved_at,
        initially_assigned_at,
        first_reply_minutes,
        first_resolution_minutes,
        full_resolution_minutes,
        requester_wait_minutes,
        reopens,
        replies,
        coalesce(generated_timestamp, _extracted_at) as version_at,
        {{ staged_columns("status = 'deleted'") }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
