{{ config(unique_key=['connection', 'credit_memo_id']) }}

with source as (
    {{ landing('oracle_fusion', 'credit_memos') }}
),

renamed as (
    select
        _connection as connection,
        cast(credit_memo_id as {{ dbt.type_string() }}) as credit_memo_id,
        credit_memo_number as number,
        document_number,
        credit_memo_date,
        accounting_date,
        business_unit,
        legal_entity_code,
        transaction_type,
        transaction_source,
        customer_name,
        account_number,
        site_number,
        upper(currency) as currency,
        conversion_rate,
        conversion_rate_type,
        amount as total_amount,
        balance as open_amount,
        status as status_raw,
        reason,
        comments,
        customer_reference,
        cross_reference,
        purchase_order,
        freight_amount,
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
