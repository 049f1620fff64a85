{{ config(unique_key=['connection', 'reference_id']) }}

with source as (
    {{ landing('oracle_fusion', 'receipt_references') }}
),

renamed as (
    select
        _connection as connection,
        cast(reference_id as {{ dbt.type_string() }}) as reference_id,
        cast(receipt_id as {{ dbt.type_string() }}) as receipt_id,
        match_by,
        reference_number,
        amount,
        updated_at,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
