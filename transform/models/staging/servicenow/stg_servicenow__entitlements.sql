{{ config(unique_key=['connection', 'entitlement_id']) }}

with source as (
    {{ landing('servicenow', 'entitlements') }}
),

renamed as (
    select
        _connection as connection,
        id as entitlement_id,
        nullif(number, '') as number,
        nullif(name, '') as name,
        nullif(account_id, '') as account_id,
        nullif(consumer_id, '') as consumer_id,
        nullif(contract_id, '') as contract_id,
        nullif(contract_line_id, '') as contract_line_id,
        nullif(product_id, '') as product_id,
        nullif(asset_id, '') as asset_id,
        nullif(tier, '') as tier_raw,
        nullif(state, '') as status_raw,
        is_active,
        nullif(unit, '') as unit,
        total_units,
        remaining_units,
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
