{{ config(unique_key=['connection', 'legal_entity_id']) }}

with source as (
    {{ landing('oracle_fusion', 'legal_entities') }}
),

renamed as (
    select
        _connection as connection,
        cast(legal_entity_id as {{ dbt.type_string() }}) as legal_entity_id,
        code,
        name,
        cast(party_id as {{ dbt.type_string() }}) as party_id,
        effective_from,
        effective_to,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
