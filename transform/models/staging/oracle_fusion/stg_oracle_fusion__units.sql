{{ config(unique_key=['connection', 'unit_id']) }}

with source as (
    {{ landing('oracle_fusion', 'units') }}
),

renamed as (
    select
        _connection as connection,
        cast(unit_id as {{ dbt.type_string() }}) as unit_id,
        code,
        name,
        class_code,
        is_base,
        conversion,
        updated_at,
        coalesce(updated_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
