{{ config(unique_key=['connection', 'customer_account', 'company_id']) }}

with source as (
    {{ landing('dynamics365_finance', 'customer_stamps') }}
),

renamed as (
    select
        _connection as connection,
        customer_account,
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
