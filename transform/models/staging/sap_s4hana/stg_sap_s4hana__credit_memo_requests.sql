{{ config(unique_key=['connection', 'request_id']) }}

with landed as (
    {{ landing('sap_s4hana', 'credit_memo_requests') }}
),

-- the same number comes with or without leading zeros, and a day and its time of day apart
source as (
    select
        *,
        regexp_replace(credit_memo_request, '^0+([0-9]+)$', {{ first_group() }}) as bare_credit_memo_request,
        regexp_replace(customer, '^0+([0-9]+)$', {{ first_group() }}) as bare_customer,
        regexp_replace(reference_document, '^0+([0-9]+)$', {{ first_group() }}) as bare_reference_document
    from landed
),

renamed as (
    select
        _connection as connection,
        bare_credit_memo_request as request_id,
        request_type,
        sales_organization as sales_organization_id,
        distribution_channel,
        division,
        bare_customer as customer_id,
        creation_date as created_date,
        created_by,
        last_change_date as changed_date,
        last_changed_at as updated_at,
        customer_reference,
        request_date,
        total_net_amount,
        currency,
        document_reason,
        billing_block_reason,
        billing_document_date,
        bare_reference_document as reference_document_id,
        reference_document_category,
        approval_reason,
        approval_status,
        process_status,
        billing_status,
        rejection_status,
        assignment_reference,
        external_reference,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest
