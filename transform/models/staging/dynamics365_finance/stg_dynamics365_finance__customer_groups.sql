{{ config(unique_key=['connection', 'customer_group_id', 'company_id']) }}

with source as (
    {{ landing('dynamics365_finance', 'customer_groups') }}
),

renamed as (
    select
        _connection as connection,
        customer_group_id,
        data_area_id as company_id,
        payment_term_id,
        tax_group_id,
        description,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
