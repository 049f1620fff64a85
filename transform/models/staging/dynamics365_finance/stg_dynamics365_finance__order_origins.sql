{{ config(unique_key=['connection', 'origin_code', 'company_id']) }}

with source as (
    {{ landing('dynamics365_finance', 'order_origins') }}
),

renamed as (
    select
        _connection as connection,
        origin_code,
        data_area_id as company_id,
        description,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
