{{ config(unique_key=['connection', 'adjustment_id']) }}

with source as (
    {{ landing('oracle_fusion', 'adjustments') }}
),

renamed as (
    select
        _connection as connection,
        cast(adjustment_id as {{ dbt.type_string() }}) as adjustment_id,
        adjustment_number,
        amount,
        reason,
        adjustment_type,
        application_date,
        upper(currency) as currency,
        status as status_raw,
        cast(invoice_id as {{ dbt.type_string() }}) as invoice_id,
        invoice_number,
        cast(installment_id as {{ dbt.type_string() }}) as installment_id,
        invoice_status,
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
