{{ config(unique_key=['connection', 'relationship_id']) }}

with source as (
    {{ landing('oracle_fusion', 'customer_relationships') }}
),

renamed as (
    select
        _connection as connection,
        cast(relationship_id as {{ dbt.type_string() }}) as relationship_id,
        cast(party_id as {{ dbt.type_string() }}) as customer_id,
        relationship_type,
        relationship_code,
        cast(subject_party_id as {{ dbt.type_string() }}) as subject_id,
        cast(object_party_id as {{ dbt.type_string() }}) as object_id,
        start_date,
        end_date,
        status as status_raw,
        ownership_percent,
        updated_at,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
