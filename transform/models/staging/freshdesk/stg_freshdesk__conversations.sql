{{ config(unique_key=['connection', 'conversation_id']) }}

with source as (
    {{ landing('freshdesk', 'conversations') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as conversation_id,
        cast(ticket_id as {{ dbt.type_string() }}) as ticket_id,
        cast(user_id as {{ dbt.type_string() }}) as user_id,
        body_text,
        source as source_code,
        is_incoming,
        is_private,
        last_edited_at,
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
