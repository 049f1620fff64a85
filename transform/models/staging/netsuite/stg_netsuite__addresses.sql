{{ config(unique_key=['connection', 'address_id']) }}

with source as (
    {{ landing('netsuite', 'addresses') }}
),

renamed as (
    select
        _connection as connection,
        cast(nkey as {{ dbt.type_string() }}) as address_id,
        cast(recordowner as {{ dbt.type_string() }}) as customer_id,
        addressee,
        addr1 as street,
        city,
        state as region,
        zip as postcode,
        country,
        lastmodifieddate as updated_at,
        coalesce(lastmodifieddate, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
