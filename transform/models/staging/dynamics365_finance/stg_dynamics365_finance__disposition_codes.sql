{{ config(unique_key=['connection', 'disposition_code', 'company_id']) }}

with source as (
    {{ landing('dynamics365_finance', 'disposition_codes') }}
),

renamed as (
    select
        _connection as connection,
        disposition_code,
        data_area_id as company_id,
        description,
        action,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
