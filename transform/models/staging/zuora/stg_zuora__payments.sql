{{ config(unique_key=['connection', 'payment_id']) }}

with source as (
    {{ landing('zuora', 'payments') }}
),

renamed as (
    select
        _connection as connection,
        id as payment_id,
        account_id,
        payment_method_id,
        referenced_payment_id,
        reference_id,
        second_payment_reference_id,
        created_by_id,
        updated_by_id,
        accounting_code,
        comment,
        upper(currency) as currency,
        effective_date,
        gateway,
        gateway_response,
        gateway_response_code,
        gateway_state,
        payment_number,
        source as origin,
        source_name,
        status as status_raw,
        transferred_to_accounting,
        type,
        amount,
        applied_amount,
        unapplied_amount,
        refund_amount,
        cancelled_at,
        marked_for_submission_at,
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
