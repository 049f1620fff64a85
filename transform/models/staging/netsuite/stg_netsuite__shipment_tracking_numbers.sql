{{ config(unique_key=['connection', 'transaction_id', 'tracking_number_id']) }}

with source as (
    {{ landing('netsuite', 'shipment_tracking_numbers') }}
),

renamed as (
    select
        _connection as connection,
        cast(transaction as {{ dbt.type_string() }}) as transaction_id,
        cast(trackingnumber as {{ dbt.type_string() }}) as tracking_number_id,
        number as tracking_number,
        _changed_at as updated_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
