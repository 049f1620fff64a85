{{ config(unique_key=['connection', 'legal_entity_id']) }}

with source as (
    {{ landing('dynamics365_finance', 'legal_entities') }}
),

renamed as (
    select
        _connection as connection,
        legal_entity_id,
        country_id,
        language_id,
        name,
        company_name,
        party_number,
        country,
        vat_number,
        time_zone,
        registration_number,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
