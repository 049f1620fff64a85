{{ config(unique_key=['connection', 'order_id']) }}

with source as (
    {{ landing('zuora', 'orders') }}
),

renamed as (
    select
        _connection as connection,
        id as order_id,
        account_id,
        created_by_id,
        updated_by_id,
        order_number,
        order_date,
        status as status_raw,
        state as state_raw,
        category,
        description,
        scheduled_date,
        is_scheduled,
        cancel_reason,
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
