{{ config(unique_key=['connection', 'opportunity_id']) }}

with source as (
    {{ landing('salesforce', 'opportunities') }}
),

renamed as (
    select
        _connection as connection,
        id as opportunity_id,
        created_by_id,
        last_modified_by_id,
        account_id,
        pricebook_id,
        contract_id,
        owner_id,
        erp_sales_order_id,
        name,
        stage_name as stage_raw,
        upper(currency_iso_code) as currency,
        type as opportunity_type,
        next_step,
        lead_source,
        forecast_category,
        is_closed,
        is_won,
        has_opportunity_line_item,
        amount,
        expected_revenue,
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
