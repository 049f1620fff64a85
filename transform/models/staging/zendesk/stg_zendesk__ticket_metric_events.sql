{{ config(unique_key=['connection', 'ticket_metric_event_id']) }}

with source as (
    {{ landing('zendesk', 'ticket_metric_events') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as ticket_metric_event_id,
        cast(ticket_id as {{ dbt.type_string() }}) as ticket_id,
        metric,
        instance_id,
        type as event_type,
        time as occurred_at,
        target_minutes,
        policy_id,
        is_withdrawn,
        coalesce(time, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
