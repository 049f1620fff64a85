{{ config(unique_key=['connection', 'opportunity_id']) }}

with source as (
    {{ landing('salesforce', 'opportunities') }}
),

renamed as (
    select
        _connection as connection,
        id as opportunity_id,
        account_id,
        owner_id,
        erp_sales_order_id,
        name,
        stage_name as stage_raw,
        upper(currency_iso_code) as currency,
        is_closed,
        is_won,
        amount,
        probability,
        created_at,
        last_modified_at,
        system_modstamp,
        close_date,
        coalesce(system_modstamp, _extracted_at) as version_at,
        {{ staged_columns("is_deleted") }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
