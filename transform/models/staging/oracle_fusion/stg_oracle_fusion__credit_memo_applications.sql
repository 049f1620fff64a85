{{ config(unique_key=['connection', 'application_id']) }}

with source as (
    {{ landing('oracle_fusion', 'credit_memo_applications') }}
),

renamed as (
    select
        _connection as connection,
        cast(application_id as {{ dbt.type_string() }}) as application_id,
        cast(credit_memo_id as {{ dbt.type_string() }}) as credit_memo_id,
        credit_memo_number,
        credit_memo_status,
        activity,
        amount,
        application_date,
        status as status_raw,
        is_latest = 'Y' as is_latest,
        upper(currency) as currency,
        cast(invoice_id as {{ dbt.type_string() }}) as invoice_id,
        invoice_number,
        cast(installment_id as {{ dbt.type_string() }}) as installment_id,
        invoice_status,
        billing_refund_id,
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
