{{ config(unique_key=['connection', 'data_area']) }}

with source as (
    {{ landing('dynamics365_finance', 'companies') }}
),

renamed as (
    select
        _connection as connection,
        data_area,
        language_id,
        name,
        known_as,
        party_number,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
