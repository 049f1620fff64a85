{{ config(unique_key=['connection', 'product_id', 'valuation_area', 'valuation_type']) }}

with source as (
    {{ landing('sap_s4hana', 'product_valuations') }}
),

renamed as (
    select
        _connection as connection,
        product as product_id,
        valuation_area,
        valuation_type,
        valuation_class,
        price_determination_control,
        standard_price,
        price_unit_quantity,
        moving_average_price,
        is_marked_for_deletion,
        currency,
        base_unit,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
