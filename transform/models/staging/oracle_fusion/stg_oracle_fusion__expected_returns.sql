{{ config(unique_key=['connection', 'return_id']) }}

with source as (
    {{ landing('oracle_fusion', 'expected_returns') }}
),

renamed as (
    select
        _connection as connection,
        cast(header_id as {{ dbt.type_string() }}) as return_id,
        rma_number,
        customer_name,
        cast(party_id as {{ dbt.type_string() }}) as customer_id,
        cast(organization_id as {{ dbt.type_string() }}) as organization_id,
        organization_code,
        source_system,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
