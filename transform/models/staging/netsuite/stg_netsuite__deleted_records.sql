{{ config(unique_key=['connection', 'record_type', 'record_id']) }}

with source as (
    {{ landing('netsuite', 'deleted_records') }}
),

renamed as (
    select
        _connection as connection,
        cast(recordid as {{ dbt.type_string() }}) as record_id,
        type as record_type,
        deletedby as deleted_by,
        deleteddate as deleted_at,
        coalesce(deleteddate, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
