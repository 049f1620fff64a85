{{ config(unique_key=['connection', 'contract_line_id']) }}

with source as (
    {{ landing('servicenow', 'service_contract_lines') }}
),

renamed as (
    select
        _connection as connection,
        id as contract_line_id,
        nullif(number, '') as number,
        nullif(name, '') as name,
        nullif(contract_id, '') as contract_id,
        nullif(sold_product_id, '') as sold_product_id,
        nullif(product_id, '') as product_id,
        nullif(parent_line_id, '') as parent_line_id,
        nullif(state, '') as status_raw,
        start_date,
        end_date,
        created_at,
        nullif(created_by, '') as created_by,
        updated_at,
        nullif(updated_by, '') as updated_by,
        mod_count,
        coalesce(updated_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
