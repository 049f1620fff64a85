{{ config(unique_key=['connection', 'receipt_id']) }}

with source as (
    {{ landing('oracle_fusion', 'receipts') }}
),

renamed as (
    select
        _connection as connection,
        cast(receipt_id as {{ dbt.type_string() }}) as receipt_id,
        receipt_number as number,
        receipt_date,
        accounting_date,
        amount,
        upper(currency) as currency,
        accounted_amount,
        unapplied_amount,
        conversion_rate,
        conversion_rate_type,
        conversion_date,
        business_unit,
        customer_name,
        account_number,
        site_number,
        receipt_method,
        state as state_raw,
        status as status_raw,
        reversal_date,
        reversal_reason,
        reversal_comments,
        document_number,
        payment_reference,
        comments,
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
