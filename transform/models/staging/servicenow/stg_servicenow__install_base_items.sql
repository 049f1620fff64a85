{{ config(unique_key=['connection', 'install_base_item_id']) }}

with source as (
    {{ landing('servicenow', 'install_base_items') }}
),

renamed as (
    select
        _connection as connection,
        id as install_base_item_id,
        nullif(number, '') as number,
        nullif(name, '') as name,
        nullif(account_id, '') as account_id,
        nullif(product_id, '') as product_id,
        nullif(parent_id, '') as parent_id,
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
