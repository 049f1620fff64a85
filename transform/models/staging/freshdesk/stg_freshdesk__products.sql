{{ config(unique_key=['connection', 'product_id']) }}

with source as (
    {{ landing('freshdesk', 'products') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as product_id,
        name,
        description,
        primary_email,
        is_default,
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
