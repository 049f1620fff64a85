{{ config(unique_key=['connection', 'return_line_id']) }}

with source as (
    {{ landing('oracle_fusion', 'expected_return_lines') }}
),

renamed as (
    select
        _connection as connection,
        cast(line_id as {{ dbt.type_string() }}) as return_line_id,
        cast(header_id as {{ dbt.type_string() }}) as return_id,
        rma_number,
        rma_line,
        description,
        cast(organization_id as {{ dbt.type_string() }}) as organization_id,
        organization_code,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
