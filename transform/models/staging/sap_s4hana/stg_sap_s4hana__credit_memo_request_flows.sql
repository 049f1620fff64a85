{{ config(unique_key=['connection', 'request_id', 'subsequent_document_id']) }}

with landed as (
    {{ landing('sap_s4hana', 'credit_memo_request_flows') }}
),

-- the same number comes with or without leading zeros, and a day and its time of day apart
source as (
    select
        *,
        regexp_replace(credit_memo_request, '^0+([0-9]+)$', {{ first_group() }}) as bare_credit_memo_request,
        regexp_replace(subsequent_document, '^0+([0-9]+)$', {{ first_group() }}) as bare_subsequent_document,
        cast(cast(creation_date as {{ dbt.type_string() }}) || ' ' || substr(creation_time, 3, 2) || ':' || substr(creation_time, 6, 2) || ':' || substr(creation_time, 9, 2) as {{ sql_type('timestamp') }}) as creation_date_moment
    from landed
),

renamed as (
    select
        _connection as connection,
        bare_credit_memo_request as request_id,
        billing_status,
        status_field_name,
        bare_subsequent_document as subsequent_document_id,
        subsequent_document_category,
        process_flow_level,
        process_status,
        creation_date as created_date,
        creation_date_moment as created_at,
        last_change_date as changed_date,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
