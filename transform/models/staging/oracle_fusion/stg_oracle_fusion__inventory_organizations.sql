{{ config(unique_key=['connection', 'organization_id']) }}

with source as (
    {{ landing('oracle_fusion', 'inventory_organizations') }}
),

renamed as (
    select
        _connection as connection,
        cast(organization_id as {{ dbt.type_string() }}) as organization_id,
        code,
        name,
        cast(legal_entity_id as {{ dbt.type_string() }}) as legal_entity_id,
        legal_entity,
        cast(business_unit_id as {{ dbt.type_string() }}) as business_unit_id,
        business_unit,
        status as status_raw,
        updated_by,
        updated_at,
        coalesce(updated_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
