{{ config(unique_key=['connection', 'subscription_schedule_id']) }}

with source as (
    {{ landing('stripe', 'subscription_schedules') }}
),

renamed as (
    select
        _connection as connection,
        id as subscription_schedule_id,
        customer as customer_id,
        subscription as subscription_id,
        released_subscription as released_subscription_id,
        status as status_raw,
        end_behavior,
        phases as phases_json,
        current_phase_start as current_phase_starts_at,
        current_phase_end as current_phase_ends_at,
        canceled_at,
        completed_at,
        released_at,
        created as created_at,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
