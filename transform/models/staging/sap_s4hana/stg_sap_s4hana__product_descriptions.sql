{{ config(unique_key=['connection', 'product_id', 'language']) }}

with source as (
    {{ landing('sap_s4hana', 'product_descriptions') }}
),

renamed as (
    select
        _connection as connection,
        product as product_id,
        language,
        description,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
