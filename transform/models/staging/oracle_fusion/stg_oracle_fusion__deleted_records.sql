{{ config(unique_key=['connection', 'deleted_record_id']) }}

with source as (
    {{ landing('oracle_fusion', 'deleted_records') }}
),

renamed as (
    select
        _connection as connection,
        cast(deleted_record_id as {{ dbt.type_string() }}) as deleted_record_id,
        object_code,
        key_names,
        key_values,
        public_key_name,
        public_key,
        parent_object_code,
        deleted_by,
        deleted_at,
        coalesce(deleted_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
