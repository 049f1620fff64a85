{{ config(unique_key=['connection', 'transaction_id']) }}

with source as (
    {{ landing('netsuite', 'transactions') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as transaction_id,
        tranid as number,
        cast(entity as {{ dbt.type_string() }}) as customer_id,
        cast(currency as {{ dbt.type_string() }}) as currency_id,
        externalid as external_id,
        type as transaction_type,
        status as status_raw,
        memo,
        otherrefnum as other_reference,
        cast(terms as {{ dbt.type_string() }}) as terms_id,
        cast(postingperiod as {{ dbt.type_string() }}) as posting_period_id,
        shipcarrier as carrier,
        voided as is_voided,
        exchangerate as exchange_rate,
        foreigntotal as total_amount,
        taxtotal as tax_amount,
        foreignamountpaid as paid_amount,
        foreignamountunpaid as unpaid_amount,
        trandate as transaction_date,
        duedate as due_date,
        closedate as closed_date,
        shipdate as ship_date,
        actualshipdate as actual_ship_date,
        createddate as created_at,
        lastmodifieddate as updated_at,
        coalesce(lastmodifieddate, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
