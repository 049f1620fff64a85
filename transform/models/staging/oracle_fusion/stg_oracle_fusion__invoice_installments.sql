{{ config(unique_key=['connection', 'installment_id']) }}

with source as (
    {{ landing('oracle_fusion', 'invoice_installments') }}
),

renamed as (
    select
        _connection as connection,
        cast(installment_id as {{ dbt.type_string() }}) as installment_id,
        cast(invoice_id as {{ dbt.type_string() }}) as invoice_id,
        sequence,
        due_date,
        original_amount,
        balance_due,
        accounted_balance_due,
        paid_amount,
        credited_amount,
        adjusted_amount,
        disputed_amount,
        disputed_date,
        status as status_raw,
        closed_date,
        days_late,
        excluded_from_collections,
        updated_at,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
