{{ config(unique_key=['connection', 'name', 'company_id']) }}

with source as (
    {{ landing('dynamics365_finance', 'payment_terms') }}
),

renamed as (
    select
        _connection as connection,
        name,
        data_area_id as company_id,
        description,
        is_default = 'Yes' as is_default,
        is_cash = 'Yes' as is_cash,
        days,
        months,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
