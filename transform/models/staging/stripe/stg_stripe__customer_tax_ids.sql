{{ config(unique_key=['connection', 'customer_tax_id']) }}

with source as (
    {{ landing('stripe', 'customer_tax_ids') }}
),

renamed as (
    select
        _connection as connection,
        id as customer_tax_id,
        customer as customer_id,
        upper(country) as country,
        type as tax_id_type,
        value as tax_id,
        verification_status,
        created as created_at,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
