{{ config(unique_key=['connection', 'address_id']) }}

with source as (
    {{ landing('oracle_fusion', 'customer_addresses') }}
),

renamed as (
    select
        _connection as connection,
        cast(address_id as {{ dbt.type_string() }}) as address_id,
        cast(party_id as {{ dbt.type_string() }}) as customer_id,
        address_number,
        address_type,
        street,
        street_2,
        city,
        state as region,
        postal_code,
        upper(country) as country,
        is_primary,
        status as status_raw,
        updated_at,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
