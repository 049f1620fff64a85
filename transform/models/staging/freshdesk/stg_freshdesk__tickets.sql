{{ config(unique_key=['connection', 'ticket_id']) }}

with source as (
    {{ landing('freshdesk', 'tickets') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as ticket_id,
        cast(requester_id as {{ dbt.type_string() }}) as requester_id,
        cast(responder_id as {{ dbt.type_string() }}) as responder_id,
        cast(company_id as {{ dbt.type_string() }}) as company_id,
        cast(group_id as {{ dbt.type_string() }}) as group_id,
        cast(product_id as {{ dbt.type_string() }}) as product_id,
        subject,
        description_text,
        type as ticket_type,
        priority as priority_raw,
        status as status_raw,
        source as source_code,
        association_type,
        tags,
        erp_order_number,
        is_escalated,
        is_first_response_escalated,
        is_spam,
        is_deleted,
        is_archived,
        first_responded_at,
        agent_responded_at,
        requester_responded_at,
        status_updated_at,
        pending_since,
        reopened_at,
        resolved_at,
        closed_at,
        first_response_due_at,
        due_at,
        created_at,
        updated_at,
        coalesce(updated_at, _extracted_at) as version_at,
        {{ staged_columns("coalesce(is_deleted, false) or coalesce(is_spam, false)") }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
