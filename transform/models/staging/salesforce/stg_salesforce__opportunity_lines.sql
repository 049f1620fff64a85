{{ config(unique_key=['connection', 'opportunity_line_id']) }}

with source as (
    {{ landing('salesforce', 'opportunity_lines') }}
),

renamed as (
    select
        _connection as connection,
        id as opportunity_line_id,
        opportunity_id,
        product_id,
        description,
        sort_order as line_number,
        quantity,
        unit_price,
        total_price as amount,
        created_at,
        system_modstamp,
        coalesce(system_modstamp, _extracted_at) as version_at,
        {{ staged_columns("is_deleted") }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
