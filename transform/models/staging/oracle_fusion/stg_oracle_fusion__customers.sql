{{ config(unique_key=['connection', 'customer_id']) }}

with source as (
    {{ landing('oracle_fusion', 'customers') }}
),

renamed as (
    select
        _connection as connection,
        cast(party_id as {{ dbt.type_string() }}) as customer_id,
        party_number,
        name,
        usage_code,
        status as status_raw,
        tax_id,
        upper(functional_currency) as functional_currency,
        upper(currency) as currency,
        source_system,
        source_reference,
        email,
        phone,
        website,
        street,
        city,
        state as region,
        postal_code,
        upper(country) as country,
        updated_by,
        created_at,
        updated_at,
        coalesce(updated_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
