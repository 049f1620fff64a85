{{ config(unique_key=['connection', 'refund_id']) }}

with source as (
    {{ landing('zuora', 'refunds') }}
),

renamed as (
    select
        _connection as connection,
        id as refund_id,
        account_id,
        payment_method_id,
        reference_id,
        second_refund_reference_id,
        created_by_id,
        updated_by_id,
        support_case_id,
        accounting_code,
        comment,
        upper(currency) as currency,
        gateway,
        gateway_response,
        gateway_response_code,
        gateway_state,
        method_type,
        reason_code,
        refund_date,
        refund_number,
        source_type,
        status as status_raw,
        transferred_to_accounting,
        type,
        amount,
        cancelled_at,
        marked_for_submission_at,
        refund_transaction_at,
        settled_at,
        submitted_at,
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
