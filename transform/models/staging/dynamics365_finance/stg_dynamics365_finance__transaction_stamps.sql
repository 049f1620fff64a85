{{ config(unique_key=['connection', 'record_id', 'company_id']) }}

with source as (
    {{ landing('dynamics365_finance', 'transaction_stamps') }}
),

renamed as (
    select
        _connection as connection,
        cast(record_id as {{ dbt.type_string() }}) as record_id,
        data_area_id as company_id,
        modified_by,
        modified_at,
        created_at,
        coalesce(modified_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
