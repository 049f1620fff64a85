{{ config(unique_key=['connection', 'item_price_id', 'starting_unit']) }}

with source as (
    {{ landing('chargebee', 'item_price_tiers') }}
),

renamed as (
    select
        _connection as connection,
        item_price_id,
        starting_unit,
        ending_unit,
        price as price_minor,
        price_in_decimal,
        starting_unit_in_decimal,
        ending_unit_in_decimal,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
