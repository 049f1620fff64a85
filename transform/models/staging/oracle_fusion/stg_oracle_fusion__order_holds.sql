{{ config(unique_key=['connection', 'hold_id']) }}

with source as (
    {{ landing('oracle_fusion', 'order_holds') }}
),

renamed as (
    select
        _connection as connection,
        cast(hold_id as {{ dbt.type_string() }}) as hold_id,
        cast(header_id as {{ dbt.type_string() }}) as order_id,
        cast(fulfill_line_id as {{ dbt.type_string() }}) as fulfill_line_id,
        code,
        name,
        comments,
        entity,
        applied_by,
        applied_at,
        release_reason,
        released_at,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
