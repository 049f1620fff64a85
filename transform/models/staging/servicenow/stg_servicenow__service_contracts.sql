{{ config(unique_key=['connection', 'contract_id']) }}

with source as (
    {{ landing('servicenow', 'service_contracts') }}
),

renamed as (
    select
        _connection as connection,
        id as contract_id,
        nullif(number, '') as number,
        nullif(short_description, '') as short_description,
        nullif(vendor_contract, '') as vendor_contract,
        nullif(account_id, '') as account_id,
        nullif(contact_id, '') as contact_id,
        nullif(administrator_id, '') as administrator_id,
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
