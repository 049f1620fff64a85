{{ config(unique_key=['connection', 'total_id']) }}

with source as (
    {{ landing('oracle_fusion', 'order_totals') }}
),

renamed as (
    select
        _connection as connection,
        cast(total_id as {{ dbt.type_string() }}) as total_id,
        cast(header_id as {{ dbt.type_string() }}) as order_id,
        name,
        code,
        amount,
        upper(currency) as currency,
        is_primary,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
