{{ config(unique_key=['connection', 'status_raw']) }}

with source as (
    {{ landing('freshdesk', 'ticket_statuses') }}
),

renamed as (
    select
        _connection as connection,
        cast(code as {{ dbt.type_string() }}) as status_raw,
        label,
        requester_label,
        updated_at,
        coalesce(updated_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
